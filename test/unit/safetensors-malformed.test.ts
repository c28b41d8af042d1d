// Malformed safetensors files, each by name: every one is refused with a FormatError that says what is wrong and where.
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { openSafetensors, parseSafetensors } from '../../src/io/safetensors.ts';

/** A file of `header` and `dataBytes` zeros; `length` overrides the declared header length. */
function build(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const info = (begin: number, end: number, shape = `[${(end - begin) / 4}]`, dtype = 'F32') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
const one = (value: string, dataBytes = 0) => build(`{"x":${value}}`, dataBytes);
const HASH_OF_4_ZEROS = 'df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119';

/** Name of the fault: the file, what the message must say, the tensor it must name. */
const malformed: Record<string, [file: Uint8Array, message: RegExp, tensor?: string]> = {
  'empty file': [new Uint8Array(0), /got 0 bytes/],
  'seven bytes': [new Uint8Array(7), /8 bytes.*got 7 bytes/],
  'eight zero bytes': [new Uint8Array(8), /must start with "\{", got an empty header/],
  'header length beyond the file': [build('{}', 0, 3n), /fit the file, 2 bytes.*got 3/],
  'header length over the format limit': [build('{}', 0, 100_000_001n), /at most 100000000 bytes, got 100000001/],
  'header length of 2^32 + 2': [build('{}', 0, 2n ** 32n + 2n), /got 4294967298/],
  'header length of 2^53 + 1': [build('{}', 0, 2n ** 53n + 1n), /got 9007199254740993/],
  'header length of 2^63': [build('{}', 0, 2n ** 63n), /got 9223372036854775808/],
  'header length of 2^64 - 1': [build('{}', 0, 2n ** 64n - 1n), /got 18446744073709551615/],
  'big-endian header length': [build('{}', 0, 2n << 56n), /at most 100000000/],
  'header shorter than its JSON': [build('{"x":{}}', 0, 4n), /must have ":", got its end at character 4/],
  'header starting with a space': [build(' {}'), /must start with "\{", got byte 0x20/],
  'header starting with a byte order mark': [build('\ufeff{}'), /must start with "\{", got byte 0xef/],
  'header that is an array': [build('[]'), /must start with "\{"/],
  'header that is a zip (pickle) file': [build('PK\u0003\u0004'), /must start with "\{"/],
  'header with bytes that are not UTF-8': [build(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /must be UTF-8/],
  'header with an overlong UTF-8 form': [build(Uint8Array.of(0x7b, 0x22, 0xc0, 0xaf, 0x22)), /must be UTF-8/],
  'header with an encoded surrogate': [build(Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22)), /must be UTF-8/],
  'unclosed object': [build('{'), /a key, got its end/],
  'unclosed string': [build('{"x'), /ends inside the string for a key/],
  'string ending in a backslash': [build('{"x\\'), /ends inside the string/],
  'trailing comma': [build('{"__metadata__":{},}'), /a string for a key, got "\}"/],
  'missing colon': [build('{"x"{}}'), /must have ":"/],
  'single quotes': [build("{'x':1}"), /a string for a key/],
  comment: [build('{/**/}'), /a string for a key, got "\/"/],
  'text after the object': [build('{}x'), /nothing after its closing brace, got "x"/],
  'NUL padding': [build('{}\u0000\u0000'), /nothing after its closing brace/],
  'two objects': [build('{}{}'), /nothing after its closing brace/],
  'raw control character in a name': [build('{"a\nb":{}}'), /control character/],
  'bad escape in a name': [build('{"a\\xb":{}}'), /bad escape/],
  'half a surrogate pair in a name': [build('{"\\ud800":{}}'), /half a surrogate pair/],
  'key __proto__': [build(`{"__proto__":${info(0, 0)}}`), /__proto__/],
  'key __proto__ in escapes': [build(`{"\\u005f_proto__":${info(0, 0)}}`), /__proto__/],
  'key __proto__ in a tensor': [one('{"__proto__":{"dtype":"F32"}}'), /__proto__/, 'x'],
  'key __proto__ in the metadata': [build('{"__metadata__":{"__proto__":"x"}}'), /__proto__/],
  'tensor declared twice': [build(`{"x":${info(0, 4)},"x":${info(4, 8)}}`, 8), /declared twice/, 'x'],
  'tensor declared twice, once in escapes': [build(`{"x":${info(0, 4)},"\\u0078":${info(4, 8)}}`, 8), /twice/, 'x'],
  'metadata declared twice': [build('{"__metadata__":{},"__metadata__":{}}'), /"__metadata__" twice/],
  'metadata key twice': [build('{"__metadata__":{"a":"1","a":"2"}}'), /metadata key "a" twice/],
  'metadata that is a string': [build('{"__metadata__":"x"}'), /must have "\{"/],
  'metadata that is null': [build('{"__metadata__":null}'), /must have "\{", got "n"/],
  'metadata value that is a number': [build('{"__metadata__":{"a":1}}'), /a string for.*metadata key "a", got "1"/],
  'metadata value that is an object': [build('{"__metadata__":{"a":{}}}'), /a string for.*metadata key "a"/],
  'tensor that is null': [one('null'), /must have "\{", got "n"/, 'x'],
  'tensor that is an array': [one('[]'), /must have "\{"/, 'x'],
  'no dtype': [one('{"shape":[],"data_offsets":[0,0]}'), /has no dtype/, 'x'],
  'no shape': [one('{"dtype":"F32","data_offsets":[0,0]}'), /has no shape/, 'x'],
  'no data_offsets': [one('{"dtype":"F32","shape":[]}'), /has no data_offsets/, 'x'],
  'unknown field': [one('{"dtype":"F32","shape":[],"data_offsets":[0,4],"y":0}'), /unknown field "y"/, 'x'],
  'dtype twice': [one('{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}'), /"dtype" twice/, 'x'],
  'shape twice': [one('{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}'), /"shape" twice/, 'x'],
  'empty dtype': [one(info(0, 4, '[1]', ''), 4), /dtype ""; weft reads F64/, 'x'],
  'dtype of another library': [one(info(0, 4, '[1]', 'torch.float32'), 4), /dtype "torch.float32"; weft reads/, 'x'],
  'foreign dtype with too few bytes': [one(info(0, 4, '[3]', 'I16'), 4), /6 bytes for I16 \[3\], got 4/, 'x'],
  'foreign dtype whose shape overflows': [one(info(0, 4, '[4294967296,4294967296]', 'U64'), 4), /passes 2\^53/, 'x'],
  'dtype in lower case': [one(info(0, 4, '[1]', 'f32'), 4), /dtype "f32"/, 'x'],
  'dtype named like a property of every object': [one(info(0, 4, '[1]', 'constructor'), 4), /"constructor"/, 'x'],
  'dtype that is a number': [one('{"dtype":32,"shape":[],"data_offsets":[0,4]}'), /a string for dtype/, 'x'],
  'negative dimension': [one(info(0, 4, '[-1]'), 4), /non-negative integers in shape, got "-"/, 'x'],
  'fractional dimension': [one(info(0, 4, '[1.0]'), 4), /non-negative integers in shape, got "\."/, 'x'],
  'exponent in a dimension': [one(info(0, 4, '[1e0]'), 4), /non-negative integers in shape, got "e"/, 'x'],
  'dimension that is a string': [one(info(0, 4, '["1"]'), 4), /non-negative integers in shape/, 'x'],
  'dimension that is null': [one(info(0, 4, '[null]'), 4), /non-negative integers in shape/, 'x'],
  'nested shape': [one(info(0, 4, '[[1]]'), 4), /non-negative integers in shape/, 'x'],
  'leading zero in a dimension': [one(info(0, 4, '[01]'), 4), /leading zero in shape/, 'x'],
  'dimension over 2^53': [one(info(0, 4, '[9007199254740993]'), 4), /over 2\^53 - 1 in shape/, 'x'],
  'dimension of a thousand digits': [one(info(0, 4, `[${'9'.repeat(1000)}]`), 4), /over 2\^53 - 1/, 'x'],
  'shape product that wraps to 4 in 64 bits': [one(info(0, 4, '[4294967296,4294967296]'), 4), /passes 2\^53/, 'x'],
  'shape product over 2^53 hidden by a zero': [one(info(0, 0, '[4294967296,4294967296,0]')), /passes 2\^53/, 'x'],
  'element count that overflows in bytes': [one(info(0, 4, '[9007199254740991]'), 4), /passes 2\^53/, 'x'],
  'shape of 65 dimensions': [one(info(0, 4, `[${Array(65).fill(1)}]`), 4), /at most 64 numbers in shape/, 'x'],
  'three offsets': [one('{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}', 8), /at most 2 numbers/, 'x'],
  'one offset': [one('{"dtype":"F32","shape":[1],"data_offsets":[4]}', 4), /two data_offsets .*got 1/, 'x'],
  'no offset': [one('{"dtype":"F32","shape":[1],"data_offsets":[]}', 4), /two data_offsets .*got 0/, 'x'],
  'negative offset': [one('{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}', 4), /integers in data_offsets/, 'x'],
  'offsets that end before they begin': [one(info(4, 0, '[1]'), 4), /end before they begin/, 'x'],
  'fewer bytes than the shape needs': [one(info(0, 4, '[2]'), 4), /must have 8 bytes for F32 \[2\], got 4/, 'x'],
  'more bytes than the shape needs': [one(info(0, 8, '[1]'), 8), /must have 4 bytes for F32 \[1\], got 8/, 'x'],
  'bytes for an empty shape': [one(info(0, 4, '[0]'), 4), /must have 0 bytes/, 'x'],
  'hole at the start': [one(info(4, 8), 8), /leaves a hole: it must begin at data byte 0, got 4/, 'x'],
  'hole between tensors': [build(`{"x":${info(0, 4)},"y":${info(8, 12)}}`, 12), /hole.* byte 4, got 8/, 'y'],
  'overlapping tensors': [build(`{"x":${info(0, 8)},"y":${info(4, 12)}}`, 12), /overlaps/, 'y'],
  'two tensors over the same bytes': [build(`{"x":${info(0, 4)},"y":${info(0, 4)}}`, 4), /overlaps/, 'y'],
  'empty tensor inside another': [build(`{"x":${info(0, 8)},"y":${info(4, 4)}}`, 8), /overlaps/, 'y'],
  'data cut short': [one(info(0, 8), 7), /ends at data byte 8, but the file has 7/, 'x'],
  'tensor far beyond the end': [one(info(0, 4e12), 4), /ends at data byte 4000000000000/, 'x'],
  'bytes after the last tensor': [one(info(0, 4), 5), /got 1 bytes after it/],
  'data without tensors': [build('{}', 1), /got 1 bytes after it/],
  'content hash of other data': [
    build(`{"__metadata__":{"weft.sha256":"${HASH_OF_4_ZEROS}"},"x":${info(0, 8)}}`, 8),
    /must hash to df3f61.*got af5570/,
  ],
  'hash of what nobody knows': [
    build(`{"__metadata__":{"weft.sha256":"${HASH_OF_4_ZEROS}","weft.sha256.of":"fil"}}`),
    /"weft.sha256.of" must be "file", got "fil"/,
  ],
  'hash of the file without its digits': [
    build('{"__metadata__":{"weft.sha256.of":"file"}}'),
    /64 hexadecimal digits, got none/,
  ],
  'hash of the file written with an escape': [
    build(`{"__metadata__":{"weft.sha256":"\\u0064${HASH_OF_4_ZEROS.slice(1)}","weft.sha256.of":"file"}}`),
    /digits of "weft.sha256" must stand in the header as they are/,
  ],
  'content hash that is not a hash': [
    build('{"__metadata__":{"weft.sha256":"no"}}'),
    /64 hexadecimal digits, got "no"/,
  ],
};

describe('malformed safetensors files', () => {
  for (const [fault, [file, message, tensor]] of Object.entries(malformed)) {
    it(fault, async () => {
      const error = await parseSafetensors(file, 'bad.safetensors').then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(FormatError);
      expect((error as FormatError).message).toMatch(message);
      expect((error as FormatError).message).toMatch(/^bad\.safetensors: /);
      expect((error as FormatError).tensor).toBe(tensor);
    });
  }

  it('are at least the forty that the bar asks for', () => {
    expect(Object.keys(malformed).length).toBeGreaterThanOrEqual(40);
  });

  it('are close to well-formed ones, which are read', async () => {
    const header = `{"__metadata__":{"weft.sha256":"${HASH_OF_4_ZEROS}"},"e":${info(4, 4)},\t"x" : ${info(0, 4)} }\r\n `;
    const file = await parseSafetensors(build(header, 4), 'good.safetensors');
    expect([...file.tensors.keys()]).toEqual(['e', 'x']);
    expect(await file.read('x')).toEqual(new Float32Array(1));
    expect(await file.read('e')).toEqual(new Float32Array(0));
    expect((await parseSafetensors(build('{}'), 'empty.safetensors')).tensors.size).toBe(0);
  });

  it('with an unreadable bool, or shorter than they said, are refused on reading', async () => {
    const file = build(`{"x":${info(0, 4, '[4]', 'BOOL')}}`, 4);
    file[file.length - 2] = 2;
    const opened = await parseSafetensors(file, 'bool.safetensors');
    await expect(opened.read('x')).rejects.toThrow('bool.safetensors: tensor "x" must hold 0 or 1 as BOOL, got 2 at 2');
    const read = async (offset: number, length: number) => file.slice(offset, offset + Math.min(length, 3));
    const short = openSafetensors({ name: 'short.safetensors', size: file.length, read });
    await expect(short).rejects.toThrow('short.safetensors: 8 bytes must be readable at 0, got 3');
  });

  it('do not blow up messages with their names', async () => {
    const name = 'n'.repeat(1_000_000);
    const error = await parseSafetensors(build(`{"${name}":${info(0, 4)}}`), 'long.safetensors').catch((e: Error) => e);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).message.length).toBeLessThan(500);
  });

  it('of ten megabytes of header take time linear in their size', async () => {
    const start = performance.now();
    for (const header of [
      `{"x":${'['.repeat(1e7)}`,
      `{"${'\\"'.repeat(5e6)}`,
      `{${' '.repeat(1e7)}`,
      `{"x":{"dtype":"${'F'.repeat(1e7)}`,
    ]) {
      await expect(parseSafetensors(build(header), 'deep.safetensors')).rejects.toThrow(FormatError);
    }
    expect(performance.now() - start).toBeLessThan(4000);
  });
});
