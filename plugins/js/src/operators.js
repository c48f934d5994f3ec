// What a plugin module exports: operators, each opened with config and schemas, then called with batches.
//
// `map` and the like make them of functions of rows; `transform` takes one that works on columns.

/** Marks an object as an operator of an interface of the contract. */
export class Operator {
  constructor(interfaces) {
    this.interfaces = interfaces;
  }
}

/** An operator on whole columns: `open(config, schema)` answers a plan, `process(batch)` columns. */
export function transform({ open, process }) {
  return Object.assign(new Operator(['transform']), { open, process });
}

/** The operators that a module exports, by interface; the error is two of the same. */
export function operatorsOf(module) {
  const found = new Map();
  for (const [name, operator] of Object.entries(module)) {
    if (!(operator instanceof Operator) || [...found.values()].includes(operator)) continue;
    for (const kind of operator.interfaces) {
      if (found.has(kind)) throw new Error(`${name} is the second ${kind} of the module; put it into a module of its own`);
      found.set(kind, operator);
    }
  }
  if (found.size === 0) throw new Error('the module exports no plugin; export what `map`, `reduce` or the like answers');
  return found;
}
