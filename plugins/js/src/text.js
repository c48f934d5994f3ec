// Text to UTF-8 and back, by what the runtime has built in: a loop over bytes in an interpreter is ten times slower.
//
// QuickJS has neither TextEncoder nor TextDecoder, but base64 of bytes; `escape` and `decodeURIComponent` turn a
// string of bytes into one of characters.

const isNative = typeof TextDecoder === 'function';
const decoder = isNative ? new TextDecoder() : undefined;
const encoder = isNative ? new TextEncoder() : undefined;
const BEYOND_ASCII = /[^\x00-\x7f]/;

/** Bytes as a string of characters 0 to 255, and whether all are below 128. */
function latin(bytes) {
  const text = isNative ? Buffer.from(bytes).toString('latin1') : atob(bytes.toBase64());
  return { text, isAscii: !BEYOND_ASCII.test(text) };
}

/**
 * The texts that end at `offsets` in UTF-8 `data`.
 *
 * @param {Uint8Array} data
 * @param {Uint32Array} offsets
 */
export function decode(data, offsets) {
  const { text, isAscii } = latin(data);
  const texts = new Array(offsets.length - 1);
  for (let i = 0; i < texts.length; i++) {
    const piece = text.slice(offsets[i], offsets[i + 1]);
    texts[i] = isAscii || !BEYOND_ASCII.test(piece) ? piece : decodeOne(data, offsets[i], offsets[i + 1], piece);
  }
  return texts;
}

function decodeOne(data, start, end, piece) {
  return isNative ? decoder.decode(data.subarray(start, end)) : decodeURIComponent(escape(piece));
}

/**
 * UTF-8 of texts, one after the other, with where each begins and the last one ends. A half of a surrogate pair
 * becomes U+FFFD.
 *
 * @param {string[]} texts
 */
export function encode(texts) {
  const offsets = new Uint32Array(texts.length + 1);
  const joined = texts.join('');
  const isAscii = !BEYOND_ASCII.test(joined);
  const pieces = isAscii ? texts : texts.map((text) => (BEYOND_ASCII.test(text) ? utf8(text) : text));
  for (let i = 0; i < pieces.length; i++) offsets[i + 1] = offsets[i] + pieces[i].length;
  return { offsets, data: bytes(isAscii ? joined : pieces.join('')) };
}

/** UTF-8 as a string of characters 0 to 255. */
function utf8(text) {
  const whole = text.toWellFormed ? text.toWellFormed() : text;
  return isNative ? Buffer.from(encoder.encode(whole)).toString('latin1') : unescape(encodeURIComponent(whole));
}

/** A string of characters 0 to 255 as bytes. */
function bytes(text) {
  return isNative ? new Uint8Array(Buffer.from(text, 'latin1')) : Uint8Array.fromBase64(btoa(text));
}
