import { expect } from 'chai';
import {
  decodeKey,
  encodeKey,
  encodePrefix,
  formatKey,
  isKeyTooLarge,
  type Key,
  type KeyElement,
  partitionKeyBytes,
} from '../../messaging/protocol/key.js';
import { limits } from '../../messaging/protocol/limits.js';
import { DecodeError } from '../../runtime/std/byte-reader.js';
import { compareBytes, fromHex, toHex } from '../../runtime/std/bytes.js';

describe('messaging/protocol/key', () => {
  it('key K1: keys of all types in their documented order', () => {
    const ascending: Key[] = [
      [Uint8Array.of(0)],
      [Uint8Array.of(0, 0)],
      [Uint8Array.of(0, 255)],
      [Uint8Array.of(1)],
      [Uint8Array.of(255)],
      '\0',
      '\0\0',
      '\0a',
      'a',
      ['a', Uint8Array.of(9)],
      ['a', ''],
      ['a', 'b'],
      ['a', -(2 ** 60)],
      ['a', -1.5],
      ['a', -1],
      ['a', -Number.MIN_VALUE],
      ['a', 0],
      ['a', Number.MIN_VALUE],
      ['a', 1],
      ['a', 2 ** 31],
      ['a', 2 ** 53],
      ['a', false],
      ['a', true],
      ['a', true, 1],
      'a\0',
      'aa',
      'b',
      'é',
      '\uffff',
      '😀', // above U+FFFF, although its UTF-16 units are below \uffff
      [-1],
      [0],
      [1],
      [false],
      [true],
    ];
    const encoded = ascending.map(encodeKey);
    for (let i = 1; i < encoded.length; i++) {
      const [before, after] = [encoded[i - 1] as Uint8Array, encoded[i] as Uint8Array];
      expect(
        compareBytes(before, after),
        `${formatKey(ascending[i - 1] as Key)} < ${formatKey(ascending[i] as Key)}`,
      ).to.be.below(0);
    }
  });

  it('key K2: a string and the tuple of it are one key; -0 is 0', () => {
    expect(encodeKey(['a'])).to.deep.equal(encodeKey('a'));
    expect(decodeKey(encodeKey(['a']))).to.equal('a');
    expect(decodeKey(encodeKey([1]))).to.deep.equal([1]);
    expect(encodeKey(['a', -0])).to.deep.equal(encodeKey(['a', 0]));
    expect(Object.is((decodeKey(encodeKey(['a', -0])) as KeyElement[])[1], 0)).to.equal(true);
  });

  it('key K3: refuses what cannot be a key, and says where', () => {
    const refused: [unknown, RegExp][] = [
      ['', /cannot begin with an empty string/],
      [[''], /cannot begin with an empty string/],
      [[new Uint8Array(0), 1], /cannot begin with an empty string/],
      [[], /empty tuple/],
      ['a\ud800', /key element 0 has a lone surrogate/],
      [['a', '\udc00b'], /key element 1 has a lone surrogate/],
      [['a', NaN], /key element 1 is NaN/],
      [[Infinity], /key element 0 is Infinity/],
      [['a', null], /key element 1 is null/],
      [['a', undefined], /key element 1 is undefined/],
      [['a', 1n], /key element 1 is a bigint/],
      [['a', ['b']], /key element 1 is a tuple/],
      [['a', new Date(0)], /key element 1 is an instance of Date/],
      [['a', {}], /key element 1 is an instance of Object/],
      [Object.assign([] as unknown[], { length: 2 }), /key element 0 is undefined/],
      [null, /a key is a string or a tuple, not null/],
      [undefined, /not undefined/],
      [5, /not a number/],
      [Uint8Array.of(1), /not an instance of Uint8Array/],
      [{ a: 1 }, /not an instance of Object/],
    ];
    for (const [key, message] of refused) expect(() => encodeKey(key as Key)).to.throw(TypeError, message);
  });

  it('key K3: bytes that are no key give a DecodeError', () => {
    const refused = [
      '', // empty
      '00', // no such code
      '03',
      'ff',
      '02', // no terminator
      '0261',
      '026100ff', // the terminator is an escape
      '0200', // the empty string
      '0100',
      '02ff00', // not UTF-8
      '02eda08000', // a surrogate
      '02c08000', // overlong
      '21', // truncated
      '2180000000000000',
      '217fffffffffffffff', // -0
      '21fff8000000000000', // NaN
      '21fff0000000000000', // Infinity
      '210000000000000000',
      '02610003',
    ];
    for (const hex of refused) expect(() => decodeKey(fromHex(hex)), hex).to.throw(DecodeError);
    expect(() => partitionKeyBytes(fromHex('0261'))).to.throw(DecodeError);
    expect(() => partitionKeyBytes(new Uint8Array(0))).to.throw(DecodeError);
  });

  it('key K4: a prefix holds the keys that begin with it, and no others', () => {
    const holds = (prefix: Key, key: Key): boolean => {
      const { start, end } = encodePrefix(prefix);
      const bytes = encodeKey(key);
      return compareBytes(start, bytes) <= 0 && (end.length === 0 || compareBytes(bytes, end) < 0);
    };
    const cases: [Key, Key[], Key[]][] = [
      [
        'user:',
        ['user:', 'user:1', 'user:\uffff', 'user:😀', ['user:1', 5], 'user:\0'],
        ['user', 'user;', 'usere', [Uint8Array.from([0x75])], ['a', 'user:1']],
      ],
      ['a\0', ['a\0', 'a\0\0', 'a\0b', ['a\0', 1]], ['a', ['a', 1], 'a\x01', 'b']],
      ['', ['a', '\0', '😀', ['a', 1]], [[1], [true], [Uint8Array.of(1)]]],
      [
        ['c1'],
        ['c1', ['c1', ''], ['c1', 'x', 1], ['c1', true], ['c1', Uint8Array.of(0)]],
        ['c10', 'c1\0', 'c1\0x', ['c', '1'], 'c2', 'c'],
      ],
      [
        ['c1', 5],
        [
          ['c1', 5],
          ['c1', 5, 'x'],
        ],
        ['c1', ['c1', 5.5], ['c1', 4], ['c1', '5']],
      ],
      [
        ['c1', 'or'],
        [
          ['c1', 'or'],
          ['c1', 'or', 1],
        ],
        [
          ['c1', 'order'],
          ['c1', 'o'],
        ],
      ],
      [[], ['a', [1], [true], [Uint8Array.of(0)]], []],
    ];
    for (const [prefix, inside, outside] of cases) {
      for (const key of inside) expect(holds(prefix, key), `${formatKey(prefix)} ∋ ${formatKey(key)}`).to.equal(true);
      for (const key of outside) expect(holds(prefix, key), `${formatKey(prefix)} ∌ ${formatKey(key)}`).to.equal(false);
    }
    expect(() => encodePrefix('\ud800')).to.throw(TypeError, /the prefix has a lone surrogate/);
    expect(() => encodePrefix(7 as never)).to.throw(TypeError, /a prefix is a string or a tuple/);
  });

  it('the partition is decided by the first element alone', () => {
    const first = toHex(partitionKeyBytes(encodeKey('c1')));
    for (const key of [
      ['c1', 1],
      ['c1', 'x', true],
      ['c1', '\0'],
    ] satisfies Key[]) {
      expect(toHex(partitionKeyBytes(encodeKey(key)))).to.equal(first);
    }
    expect(toHex(partitionKeyBytes(encodeKey(['c1\0', 1])))).to.equal(toHex(encodeKey('c1\0')));
    expect(toHex(partitionKeyBytes(encodeKey([7, 1])))).to.equal(toHex(encodeKey([7])));
  });

  it('a key costs two bytes more than its text', () => {
    const largest = 'k'.repeat(limits.keyBytesMax - 2);
    expect(isKeyTooLarge(encodeKey(largest))).to.equal(false);
    expect(isKeyTooLarge(encodeKey(`${largest}k`))).to.equal(true);
  });

  it('prints keys for people', () => {
    expect(formatKey('user:1')).to.equal('user:1');
    expect(formatKey('Ада Лавлейс')).to.equal('Ада Лавлейс');
    expect(formatKey('["a"]')).to.equal('"[\\"a\\"]"');
    expect(formatKey(' a')).to.equal('" a"');
    expect(formatKey('a\nb')).to.equal('"a\\nb"');
    expect(formatKey(['c1', 5, true, Uint8Array.of(0, 255)])).to.equal('["c1", 5, true, 0x00ff]');
  });
});
