//! WASI preview 1 for modules that were built with it: an adapter that grants nothing, and imports nothing but the
//! module's memory and the log of our own contract.
//!
//! What is printed goes to the log, a line at most a call; clocks count microseconds from 0 and random numbers are the
//! same in every instance, because a runtime asks for both where it may not call the host; all else answers that there
//! is no such file. Functions that a module doesn't import are dropped when it becomes a component.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, InstructionSink, MemArg, MemArgTarget, MemoryType, Module,
    TypeSection, ValType,
};

/// Where the module's log is imported from.
pub(super) const HOST: &str = "tidemill:plugin/host@0.1.0";

/// Error numbers of WASI.
const SUCCESS: i32 = 0;
const BAD_FILE: i32 = 8;

/// Levels of the log.
const INFO: i32 = 2;
const ERROR: i32 = 4;

/// The index of the imported log; own functions come after it.
const LOG: u32 = 0;

/// The clock and the seed of random numbers.
const NOW: u32 = 0;
const RANDOM: u32 = 1;

/// What a function does.
#[derive(Clone, Copy)]
enum Act {
    /// Answers that all went well.
    Nothing,
    /// Answers that there is no such file.
    Refuse,
    /// Writes two zeros, at the places that its arguments name.
    TwoZeros,
    Resolution,
    Clock,
    /// Tells that a file is a terminal, so that what is printed comes line by line.
    Describe,
    Write,
    /// Sleeps, which takes no time: the clock goes on.
    Poll,
    Random,
    /// Ends the call.
    Exit,
}

/// The functions: name, parameters (`i` for 32 bits, `l` for 64), what it does.
const FUNCTIONS: [(&str, &str, Act); 46] = [
    ("args_get", "ii", Act::Nothing),
    ("args_sizes_get", "ii", Act::TwoZeros),
    ("environ_get", "ii", Act::Nothing),
    ("environ_sizes_get", "ii", Act::TwoZeros),
    ("clock_res_get", "ii", Act::Resolution),
    ("clock_time_get", "ili", Act::Clock),
    ("fd_advise", "illi", Act::Refuse),
    ("fd_allocate", "ill", Act::Refuse),
    ("fd_close", "i", Act::Refuse),
    ("fd_datasync", "i", Act::Refuse),
    ("fd_fdstat_get", "ii", Act::Describe),
    ("fd_fdstat_set_flags", "ii", Act::Refuse),
    ("fd_fdstat_set_rights", "ill", Act::Refuse),
    ("fd_filestat_get", "ii", Act::Refuse),
    ("fd_filestat_set_size", "il", Act::Refuse),
    ("fd_filestat_set_times", "illi", Act::Refuse),
    ("fd_pread", "iiili", Act::Refuse),
    ("fd_prestat_get", "ii", Act::Refuse),
    ("fd_prestat_dir_name", "iii", Act::Refuse),
    ("fd_pwrite", "iiili", Act::Refuse),
    ("fd_read", "iiii", Act::Refuse),
    ("fd_readdir", "iiili", Act::Refuse),
    ("fd_renumber", "ii", Act::Refuse),
    ("fd_seek", "ilii", Act::Refuse),
    ("fd_sync", "i", Act::Refuse),
    ("fd_tell", "ii", Act::Refuse),
    ("fd_write", "iiii", Act::Write),
    ("path_create_directory", "iii", Act::Refuse),
    ("path_filestat_get", "iiiii", Act::Refuse),
    ("path_filestat_set_times", "iiiilli", Act::Refuse),
    ("path_link", "iiiiiii", Act::Refuse),
    ("path_open", "iiiiillii", Act::Refuse),
    ("path_readlink", "iiiiii", Act::Refuse),
    ("path_remove_directory", "iii", Act::Refuse),
    ("path_rename", "iiiiii", Act::Refuse),
    ("path_symlink", "iiiii", Act::Refuse),
    ("path_unlink_file", "iii", Act::Refuse),
    ("poll_oneoff", "iiii", Act::Poll),
    ("proc_exit", "i", Act::Exit),
    ("proc_raise", "i", Act::Refuse),
    ("random_get", "ii", Act::Random),
    ("sched_yield", "", Act::Nothing),
    ("sock_accept", "iii", Act::Refuse),
    ("sock_recv", "iiiiii", Act::Refuse),
    ("sock_send", "iiiii", Act::Refuse),
    ("sock_shutdown", "ii", Act::Refuse),
];

/// The adapter, as a core module.
pub(super) fn module() -> Vec<u8> {
    let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    types.ty().function([ValType::I32; 3], []);
    for (index, (name, parameters, act)) in (1_u32..).zip(FUNCTIONS) {
        let value = |code| if code == 'l' { ValType::I64 } else { ValType::I32 };
        let answers = if matches!(act, Act::Exit) { None } else { Some(ValType::I32) };
        let parameters: Vec<_> = parameters.chars().map(value).collect();
        types.ty().function(parameters.iter().copied(), answers);
        functions.function(index);
        exports.export(name, ExportKind::Func, LOG + index);
        code.function(&function(act, u32::try_from(parameters.len()).unwrap_or_default()));
    }
    let mut imports = ImportSection::new();
    let memory =
        MemoryType { minimum: 0, maximum: None, memory64: false, shared: false, page_size_log2: None };
    imports.import(HOST, "log", EntityType::Function(0));
    imports.import("env", "memory", EntityType::Memory(memory));
    let mut globals = GlobalSection::new();
    for start in [0, 88_172_645_463_325_252] {
        let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        globals.global(ty, &ConstExpr::i64_const(start));
    }
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&globals);
    module.section(&exports).section(&code);
    module.finish()
}

/// A place in memory, as far as the module promises that it is aligned.
fn at(offset: u64, align: u32) -> MemArg {
    MemArg { offset, align, target: MemArgTarget::Memory(0), ordering: None }
}

fn function(act: Act, parameters: u32) -> Function {
    // Locals beside the parameters, for those that loop.
    let mut function = Function::new([(2, ValType::I32)]);
    let mut code = function.instructions();
    match act {
        Act::Nothing => {}
        Act::Refuse => {
            code.i32_const(BAD_FILE).end();
            return function;
        }
        Act::Exit => {
            code.unreachable().end();
            return function;
        }
        Act::TwoZeros => {
            code.local_get(0).i32_const(0).i32_store(at(0, 2));
            code.local_get(1).i32_const(0).i32_store(at(0, 2));
        }
        Act::Resolution => {
            code.local_get(1).i64_const(1).i64_store(at(0, 3));
        }
        Act::Clock => {
            code.global_get(NOW).i64_const(1000).i64_add().global_set(NOW);
            code.local_get(2).global_get(NOW).i64_store(at(0, 3));
        }
        Act::Describe => {
            // A device of characters without rights, of which only the output can be had.
            code.local_get(0).i32_const(2).i32_gt_u().if_(BlockType::Empty);
            code.i32_const(BAD_FILE).return_().end();
            for offset in [0, 8, 16] {
                code.local_get(1).i64_const(if offset == 0 { 2 } else { 0 }).i64_store(at(offset, 3));
            }
        }
        Act::Write => write(&mut code, parameters),
        Act::Poll => poll(&mut code),
        Act::Random => random(&mut code),
    }
    code.i32_const(SUCCESS).end();
    function
}

/// `fd_write(file, pieces, how many, where to write how much)`: a line of the log for each piece, without its line end.
fn write(code: &mut InstructionSink<'_>, written: u32) {
    let size = written + 1;
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(2).i32_eqz().br_if(1);
    code.local_get(1).i32_load(at(4, 2)).local_set(size);
    code.local_get(written).local_get(size).i32_add().local_set(written);
    // One less where the last byte ends the line.
    code.local_get(size).if_(BlockType::Empty);
    code.local_get(size);
    code.local_get(1)
        .i32_load(at(0, 2))
        .local_get(size)
        .i32_add()
        .i32_const(1)
        .i32_sub()
        .i32_load8_u(at(0, 0));
    code.i32_const(10).i32_eq().i32_sub().local_set(size).end();
    // A line end comes by itself from libraries that write in pieces.
    code.local_get(size).if_(BlockType::Empty);
    code.local_get(0).i32_const(2).i32_eq().if_(BlockType::Result(ValType::I32));
    code.i32_const(ERROR).else_().i32_const(INFO).end();
    code.local_get(1).i32_load(at(0, 2)).local_get(size).call(LOG).end();
    code.local_get(1).i32_const(8).i32_add().local_set(1);
    code.local_get(2).i32_const(1).i32_sub().local_set(2);
    code.br(0).end().end();
    code.local_get(3).local_get(written).i32_store(at(0, 2));
}

/// `poll_oneoff(subscriptions, events, how many, where to write how many events)`: looks at the first. Where that is a time,
/// it is over; of anything else, nothing happened.
fn poll(code: &mut InstructionSink<'_>) {
    code.local_get(3).i32_const(0).i32_store(at(0, 2));
    code.local_get(0).i32_load8_u(at(8, 0)).i32_eqz().if_(BlockType::Empty);
    // A time of the clock, or from now.
    code.local_get(0).i64_load(at(24, 3));
    code.local_get(0).i32_load16_u(at(40, 1)).i32_const(1).i32_and().if_(BlockType::Result(ValType::I64));
    code.i64_const(0).else_().global_get(NOW).end();
    code.i64_add().global_set(NOW);
    code.local_get(1).local_get(0).i64_load(at(0, 3)).i64_store(at(0, 3));
    for offset in [8, 16, 24] {
        code.local_get(1).i64_const(0).i64_store(at(offset, 3));
    }
    code.local_get(3).i32_const(1).i32_store(at(0, 2)).end();
}

/// `random_get(where, how many)`: the upper bytes of a linear congruential generator.
fn random(code: &mut InstructionSink<'_>) {
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(1).i32_eqz().br_if(1);
    code.global_get(RANDOM).i64_const(6_364_136_223_846_793_005).i64_mul();
    code.i64_const(1_442_695_040_888_963_407).i64_add().global_set(RANDOM);
    code.local_get(0).global_get(RANDOM).i64_const(56).i64_shr_u().i32_wrap_i64().i32_store8(at(0, 0));
    code.local_get(0).i32_const(1).i32_add().local_set(0);
    code.local_get(1).i32_const(1).i32_sub().local_set(1);
    code.br(0).end().end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_valid_module() {
        wasmparser::validate(&module()).unwrap();
    }
}
