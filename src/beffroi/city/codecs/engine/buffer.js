// The part of Node's Buffer that codecs use, on Uint8Array, and text coders; evaluated when a codec
// first names one of them.
(() => {
  const HEX = "0123456789abcdef";
  const hexOf = (view) => {
    let text = "";
    for (let rank = 0; rank < view.length; rank += 1) {
      text += HEX[view[rank] >> 4] + HEX[view[rank] & 15];
    }
    return text;
  };
  const fromHex = (text) => {
    const octets = [];
    for (let rank = 0; rank + 1 < text.length; rank += 2) {
      const pair = text.slice(rank, rank + 2);
      if (!/^[0-9a-fA-F]{2}$/.test(pair)) break;
      octets.push(parseInt(pair, 16));
    }
    return octets;
  };
  const fromBase64 = (text) => {
    const plain = text.replace(/[^A-Za-z0-9+/_-]/g, "").replace(/-/g, "+").replace(/_/g, "/");
    const whole = plain.length % 4 === 1 ? plain.slice(0, -1) : plain;
    return fromLatin(atob(whole + "=".repeat((4 - (whole.length % 4)) % 4)));
  };
  const fromLatin = (text) => {
    const octets = [];
    for (let rank = 0; rank < text.length; rank += 1) octets.push(text.charCodeAt(rank) & 255);
    return octets;
  };
  const latinOf = (view, mask = 255) => {
    let text = "";
    for (let rank = 0; rank < view.length; rank += 1) {
      text += String.fromCharCode(view[rank] & mask);
    }
    return text;
  };
  const fromUtf8 = (text) => {
    const octets = [];
    for (const letter of `${text}`.toWellFormed()) {
      const code = letter.codePointAt(0);
      if (code < 0x80) octets.push(code);
      else if (code < 0x800) octets.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) {
        octets.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      } else {
        octets.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63),
          0x80 | (code & 63));
      }
    }
    return octets;
  };
  // As the Encoding standard has it: one replacement character for each part that is cut short.
  const utf8Of = (view) => {
    let text = "";
    let rank = 0;
    while (rank < view.length) {
      const first = view[rank];
      rank += 1;
      if (first < 0x80) {
        text += String.fromCharCode(first);
        continue;
      }
      const more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2
        : first >= 0xf0 && first < 0xf5 ? 3 : 0;
      let code = more === 1 ? first & 31 : more === 2 ? first & 15 : first & 7;
      let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
      let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
      let taken = 0;
      while (taken < more && rank < view.length && view[rank] >= low && view[rank] <= high) {
        code = (code << 6) | (view[rank] & 63);
        rank += 1;
        taken += 1;
        low = 0x80;
        high = 0xbf;
      }
      text += more > 0 && taken === more ? String.fromCodePoint(code) : "\ufffd";
    }
    return text;
  };
  const utf16Of = (view) => {
    let text = "";
    for (let rank = 0; rank + 1 < view.length; rank += 2) {
      text += String.fromCharCode(view[rank] | (view[rank + 1] << 8));
    }
    return text;
  };
  const fromUtf16 = (text) => {
    const octets = [];
    for (let rank = 0; rank < text.length; rank += 1) {
      const code = text.charCodeAt(rank);
      octets.push(code & 255, code >> 8);
    }
    return octets;
  };
  const named = (encoding) => {
    const name = `${encoding ?? "utf8"}`.toLowerCase();
    if (name === "utf-8") return "utf8";
    if (name === "binary") return "latin1";
    if (name === "ucs2" || name === "ucs-2" || name === "utf-16le") return "utf16le";
    return name;
  };
  const unknown = (encoding) => new TypeError(`Unknown encoding: ${encoding}`);
  const octetsOf = (text, encoding) => {
    switch (named(encoding)) {
      case "utf8": return fromUtf8(text);
      case "hex": return fromHex(text);
      case "base64": case "base64url": return fromBase64(text);
      case "ascii": case "latin1": return fromLatin(text);
      case "utf16le": return fromUtf16(text);
      default: throw unknown(encoding);
    }
  };

  class Buffer extends Uint8Array {
    static from(value, encodingOrOffset, length) {
      if (typeof value === "string") return Buffer.#copied(octetsOf(value, encodingOrOffset));
      if (value instanceof ArrayBuffer) return new Buffer(value, encodingOrOffset, length);
      if (value === null || typeof value !== "object") {
        throw new TypeError("The first argument must be of type string or an instance of Buffer, "
          + "ArrayBuffer, or Array or an Array-like Object.");
      }
      if (value.type === "Buffer" && Array.isArray(value.data)) return Buffer.#copied(value.data);
      const plain = value.valueOf();
      if (typeof plain === "string") return Buffer.from(plain, encodingOrOffset);
      return Buffer.#copied(value);
    }
    static #copied(values) {
      const size = values.length >>> 0;
      const copy = new Buffer(size);
      for (let rank = 0; rank < size; rank += 1) copy[rank] = values[rank];
      return copy;
    }
    static of(...values) { return Buffer.#copied(values); }
    static alloc(size, fill, encoding) {
      const made = new Buffer(size);
      return fill === undefined ? made : made.fill(fill, encoding);
    }
    static allocUnsafe(size) { return new Buffer(size); }
    static allocUnsafeSlow(size) { return new Buffer(size); }
    static isBuffer(value) { return value instanceof Buffer; }
    static isEncoding(name) {
      return ["utf8", "hex", "base64", "base64url", "ascii", "latin1", "utf16le"]
        .includes(named(name));
    }
    static byteLength(value, encoding) {
      return typeof value === "string" ? octetsOf(value, encoding).length : value.byteLength;
    }
    static concat(list, total) {
      const size = total ?? list.reduce((sum, item) => sum + item.length, 0);
      const whole = new Buffer(size);
      let at = 0;
      for (const item of list) {
        if (at >= size) break;
        const part = item.length > size - at ? item.subarray(0, size - at) : item;
        whole.set(part, at);
        at += part.length;
      }
      return whole;
    }
    static compare(one, other) { return Buffer.from(one).compare(other); }
    get parent() { return this.buffer; }
    get offset() { return this.byteOffset; }
    #view() { return new DataView(this.buffer, this.byteOffset, this.byteLength); }
    #at(offset, size) {
      if (typeof offset !== "number") {
        const error = new TypeError('The "offset" argument must be of type number. Received '
          + (offset === null ? "null"
            : typeof offset === "string" ? `type string ('${offset}')`
              : `type ${typeof offset} (${String(offset)})`));
        error.code = "ERR_INVALID_ARG_TYPE";
        throw error;
      }
      if (Number.isInteger(offset) && this.length < size) {
        const error = new RangeError("Attempt to access memory outside buffer bounds");
        error.code = "ERR_BUFFER_OUT_OF_BOUNDS";
        throw error;
      }
      if (!Number.isInteger(offset) || offset < 0 || offset + size > this.length) {
        const error = new RangeError(Number.isInteger(offset)
          ? `The value of "offset" is out of range. It must be >= 0 and <= ${this.length - size}.`
            + ` Received ${offset}`
          : `The value of "offset" is out of range. It must be an integer. Received ${offset}`);
        error.code = "ERR_OUT_OF_RANGE";
        throw error;
      }
      return offset;
    }
    #integer(value, low, high) {
      const number = +value;
      if (number < low || number > high) {
        const error = new RangeError(`The value of "value" is out of range. It must be >= ${low} `
          + `and <= ${high}. Received ${value}`);
        error.code = "ERR_OUT_OF_RANGE";
        throw error;
      }
      return number;
    }
    toString(encoding, start = 0, end = this.length) {
      const part = start === 0 && end >= this.length ? this : this.subarray(start, end);
      switch (named(encoding)) {
        case "utf8": return utf8Of(part);
        case "hex": return hexOf(part);
        case "base64": return btoa(latinOf(part));
        case "base64url":
          return btoa(latinOf(part)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
        case "ascii": return latinOf(part, 127);
        case "latin1": return latinOf(part);
        case "utf16le": return utf16Of(part);
        default: throw unknown(encoding);
      }
    }
    toLocaleString(encoding, start, end) { return this.toString(encoding, start, end); }
    toJSON() { return { type: "Buffer", data: Array.from(this) }; }
    subarray(start, end) {
      const part = super.subarray(start, end);
      return new Buffer(part.buffer, part.byteOffset, part.byteLength);
    }
    slice(start, end) { return this.subarray(start, end); }
    equals(other) { return this.compare(other) === 0; }
    compare(other) {
      const shared = Math.min(this.length, other.length);
      for (let rank = 0; rank < shared; rank += 1) {
        if (this[rank] !== other[rank]) return this[rank] < other[rank] ? -1 : 1;
      }
      return Math.sign(this.length - other.length);
    }
    copy(target, at = 0, start = 0, end = this.length) {
      const part = super.subarray(start, Math.min(end, start + Math.max(0, target.length - at)));
      target.set(part, at);
      return part.length;
    }
    fill(value, start = 0, end = this.length, encoding = "utf8") {
      if (typeof value !== "string") return super.fill(value, start, end);
      const named = typeof start === "string" ? start : encoding;
      const from = typeof start === "string" ? 0 : start;
      const octets = octetsOf(value, named);
      for (let rank = from; rank < end && octets.length > 0; rank += 1) {
        this[rank] = octets[(rank - from) % octets.length];
      }
      return this;
    }
    write(text, offset = 0, length = undefined, encoding = undefined) {
      const name = [offset, length, encoding].find((item) => typeof item === "string");
      const at = typeof offset === "number" ? offset : 0;
      const room = Math.min(typeof length === "number" ? length : Infinity, this.length - at);
      const octets = octetsOf(text, name).slice(0, room);
      this.set(octets, at);
      return octets.length;
    }
    indexOf(value, from = 0, encoding = "utf8") {
      if (typeof value === "number") return super.indexOf(value & 255, from);
      const wanted = typeof value === "string" ? octetsOf(value, encoding) : value;
      for (let at = from; at + wanted.length <= this.length; at += 1) {
        let same = 0;
        while (same < wanted.length && this[at + same] === wanted[same]) same += 1;
        if (same === wanted.length) return at;
      }
      return -1;
    }
    includes(value, from, encoding) { return this.indexOf(value, from, encoding) !== -1; }
    swap16() {
      for (let rank = 0; rank + 1 < this.length; rank += 2) {
        [this[rank], this[rank + 1]] = [this[rank + 1], this[rank]];
      }
      return this;
    }
    swap32() {
      for (let rank = 0; rank + 3 < this.length; rank += 4) this.subarray(rank, rank + 4).reverse();
      return this;
    }
    #some(offset, size, isLittle) {
      const at = this.#at(offset, size);
      let value = 0;
      for (let rank = 0; rank < size; rank += 1) {
        value = value * 256 + this[at + (isLittle ? size - 1 - rank : rank)];
      }
      return value;
    }
    readUIntBE(offset, size) { return this.#some(offset, size, false); }
    readUIntLE(offset, size) { return this.#some(offset, size, true); }
    readIntBE(offset, size) {
      const value = this.#some(offset, size, false);
      return value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value;
    }
    readIntLE(offset, size) {
      const value = this.#some(offset, size, true);
      return value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value;
    }
    #put(value, offset, size, isLittle) {
      const at = this.#at(offset, size);
      let rest = +value;
      for (let rank = 0; rank < size; rank += 1) {
        this[at + (isLittle ? rank : size - 1 - rank)] = rest;
        rest = Math.floor(rest / 256);
      }
      return at + size;
    }
    writeUIntBE(value, offset, size) {
      return this.#put(this.#integer(value, 0, 2 ** (8 * size) - 1), offset, size, false);
    }
    writeUIntLE(value, offset, size) {
      return this.#put(this.#integer(value, 0, 2 ** (8 * size) - 1), offset, size, true);
    }
    writeIntBE(value, offset, size) {
      const half = 2 ** (8 * size - 1);
      return this.#put(this.#integer(value, -half, half - 1), offset, size, false);
    }
    writeIntLE(value, offset, size) {
      const half = 2 ** (8 * size - 1);
      return this.#put(this.#integer(value, -half, half - 1), offset, size, true);
    }
    static {
      const define = (name, value) =>
        Object.defineProperty(Buffer.prototype, name, {
          value, configurable: true, enumerable: false, writable: true,
        });
      const kinds = [["Int8", 1], ["UInt8", 1], ["Int16", 2], ["UInt16", 2], ["Int32", 4],
        ["UInt32", 4], ["BigInt64", 8], ["BigUInt64", 8], ["Float", 4], ["Double", 8]];
      for (const [kind, size] of kinds) {
        const native = { Float: "Float32", Double: "Float64" }[kind] ?? kind.replace("UInt", "Uint");
        const isReal = kind === "Float" || kind === "Double";
        const isBig = kind.startsWith("Big");
        const bits = 8 * size;
        const isSigned = !kind.includes("UInt");
        const big = isSigned
          ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n] : [0n, 2n ** BigInt(bits) - 1n];
        const [low, high] = isBig ? big : [Number(big[0]), Number(big[1])];
        const getter = DataView.prototype[`get${native}`];
        const setter = DataView.prototype[`set${native}`];
        for (const [ending, isLittle] of size === 1 ? [["", true]] : [["LE", true], ["BE", false]]) {
          const read = function (offset = 0) {
            return getter.call(this.#view(), this.#at(offset, size), isLittle);
          };
          const write = function (value, offset = 0) {
            if (isBig && (value < low || value > high)) throw new RangeError("out of range");
            const checked = isReal || isBig ? value : this.#integer(value, low, high);
            setter.call(this.#view(), this.#at(offset, size), checked, isLittle);
            return offset + size;
          };
          define(`read${kind}${ending}`, read);
          define(`write${kind}${ending}`, write);
        }
      }
      for (const name of Object.getOwnPropertyNames(Buffer.prototype)) {
        if (/^(read|write).*UInt/.test(name)) define(name.replace("UInt", "Uint"), Buffer.prototype[name]);
      }
    }
  }
  // Node lets it be called without `new`, and with a text.
  const Called = new Proxy(Buffer, {
    apply: (_, __, given) => typeof given[0] === "number" ? Buffer.alloc(given[0])
      : Buffer.from(...given),
    construct: (target, given, newTarget) => {
      const isPlain = newTarget === Called && given.length > 0 && typeof given[0] !== "number"
        && !(given[0] instanceof ArrayBuffer);
      return isPlain ? Buffer.from(...given) : Reflect.construct(target, given, Buffer);
    },
  });
  Object.defineProperty(Buffer.prototype, "constructor", { value: Called, configurable: true });
  // Methods that Uint8Array derives (map, filter…) must make plain Buffers, not call the Proxy.
  Object.defineProperty(Buffer, Symbol.species, { get: () => Buffer });

  class TextDecoder {
    constructor(encoding = "utf-8") { this.encoding = `${encoding}`.toLowerCase(); }
    decode(view) {
      if (view === undefined) return "";
      const octets = view instanceof ArrayBuffer ? new Uint8Array(view)
        : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      if (this.encoding === "utf-16le") return utf16Of(octets);
      if (this.encoding !== "utf-8" && this.encoding !== "utf8") return latinOf(octets);
      return utf8Of(octets).replace(/^\ufeff/, "");
    }
  }
  class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") { return new Uint8Array(fromUtf8(text)); }
  }
  return { Buffer: Called, TextDecoder, TextEncoder };
})()
