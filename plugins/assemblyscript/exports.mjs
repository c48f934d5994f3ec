// A hook of asc: gives exported functions the names that the host looks for.

/** The operators, by the module that has them: the interface of the contract, and its functions by our names. */
export const FUNCTIONS = {
  transform: { kind: 'transform', names: { transformOpen: 'open', transformProcess: 'process' } },
  reduce: { kind: 'reduce', names: { reduceOpen: 'open', reduceReduce: 'reduce' } },
  inverse: { kind: 'inverse', names: { inverseSubtract: 'subtract' } },
  aggregate: {
    kind: 'aggregate',
    names: { aggregateOpen: 'open', aggregateAccumulate: 'accumulate', aggregateMerge: 'merge', aggregateFinish: 'finish' },
  },
  state: { kind: 'update-state', names: { updateOpen: 'open', updateUpdate: 'update' } },
  migrate: { kind: 'migrate-state', names: { migrateMigrate: 'migrate' } },
  cogroup: { kind: 'cogroup', names: { cogroupOpen: 'open', cogroupProcess: 'process' } },
};

export default class Names {
  afterCompile(module) {
    const exported = (name) => {
      const found = module.getExport(name);
      return found && this.binaryen.getExportInfo(found).value;
    };
    const give = (name, function_) => module.addFunctionExport(function_, name);
    const after = exported('endCall');
    for (const { kind, names } of Object.values(FUNCTIONS)) {
      for (const [name, called] of Object.entries(names)) {
        const function_ = exported(name);
        if (!function_) continue;
        module.removeExport(name);
        give(`tidemill:plugin/${kind}@0.1.0#${called}`, function_);
        give(`cabi_post_tidemill:plugin/${kind}@0.1.0#${called}`, this.ending(module, after));
      }
    }
    give('cabi_realloc', exported('realloc'));
    module.removeExport('realloc');
    module.removeExport('endCall');
  }

  /** What the host calls with an answer that it has read. */
  ending(module, after) {
    const name = 'tidemillEnding';
    if (!this.hasEnding) {
      const { binaryen } = this;
      module.addFunction(name, binaryen.createType([binaryen.i32]), binaryen.none, [], module.call(after, [], binaryen.none));
      this.hasEnding = true;
    }
    return name;
  }
}
