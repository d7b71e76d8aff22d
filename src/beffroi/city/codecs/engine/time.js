// The contract gives a Date, many codecs were written against a text: this is both. Evaluated for
// codecs that name the time of reception.
(() => {
  class ReceptionTime extends Date {
    #text;
    constructor(text) {
      super(text);
      this.#text = text;
    }
    toJSON() { return this.#text; }
    toString() { return this.#text; }
    [Symbol.toPrimitive](hint) { return hint === "number" ? this.getTime() : this.#text; }
    get length() { return this.#text.length; }
    static {
      for (const name of ["slice", "substring", "substr", "split", "replace", "indexOf",
        "includes", "match", "charAt", "trim", "startsWith", "endsWith", "concat"]) {
        const method = String.prototype[name];
        Object.defineProperty(ReceptionTime.prototype, name, {
          value(...given) { return method.apply(this.#text, given); },
          configurable: true, enumerable: false, writable: true,
        });
      }
    }
  }
  return ReceptionTime;
})()
