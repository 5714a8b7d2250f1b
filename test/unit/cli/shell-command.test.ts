// Lines of the interactive shell
// =============================================================================

import { expect } from 'chai';
import fc from 'fast-check';
import { parseShellLine, shellHelp } from '../../../cli/shell-command.js';

describe('cli shell lines', () => {
  it('are PUT, GET, DELETE and QUIT, in any case', () => {
    expect(parseShellLine('PUT name Dylan')).to.deep.equal({ kind: 'put', key: 'name', value: 'Dylan' });
    expect(parseShellLine('put  k  {"a": [1, 2]}')).to.deep.equal({ kind: 'put', key: 'k', value: '{"a": [1, 2]}' });
    expect(parseShellLine(' GET name ')).to.deep.equal({ kind: 'get', key: 'name' });
    expect(parseShellLine('DELETE name')).to.deep.equal({ kind: 'delete', key: 'name' });
    expect(parseShellLine('Quit')).to.deep.equal({ kind: 'quit' });
    expect(parseShellLine('range user:')).to.deep.equal({ kind: 'range', prefix: 'user:' });
    expect(parseShellLine('   ')).to.deep.equal({ kind: 'nothing' });
  });

  it('that are wrong get a sentence', () => {
    for (const line of ['PUT', 'PUT k', 'GET', 'GET a b', 'DELETE', 'nonsense', 'RANGE a b'])
      expect(parseShellLine(line), line).to.have.property('kind', 'mistake');
  });

  it('whatever they are, have an answer', () => {
    fc.assert(
      fc.property(fc.string(), (line) => {
        expect(parseShellLine(line).kind).to.be.a('string');
      }),
    );
  });

  it('are explained by HELP', () => {
    expect(shellHelp.join('\n')).to.include('PUT').and.include('QUIT');
  });
});
