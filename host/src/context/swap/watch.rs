//! Watching the files of plugins, and swapping in what they change to.
//!
//! The file system tells of changes in their folders where it can, and the files are looked at once a second anyhow: for
//! file systems that tell nothing, and for links further up that are switched. A file is taken once it has stayed the
//! same for a moment, so that one that is being written isn't. What can't be used is told once, and tried again when the
//! file changes.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::read::Code;
use super::swapper::Swapper;
use super::{SwapError, Swapped};
use crate::checkpoint::How;
use crate::failpoint::{Point, reach};
use crate::plugin::{PluginFile, PluginSpec};

/// How often files are looked at where nothing tells of changes.
const LOOK: Duration = Duration::from_secs(1);

/// How long a file has to stay the same before it is taken.
const SETTLE: Duration = Duration::from_millis(40);

/// Watches files until it is dropped.
pub(in crate::context) struct Watch {
    /// Its end ends the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None;
        // It holds the plugins, which say at their end what they have not said.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A file that is watched.
struct File {
    plugin: String,
    path: PathBuf,
    /// As it was when it was last taken or refused.
    seen: Option<Look>,
}

/// What tells whether a file changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    changed: Option<SystemTime>,
    bytes: u64,
    /// Where links lead to in the end.
    target: Option<PathBuf>,
}

impl Look {
    /// At the file `path`; none where there is none.
    fn at(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self { changed: about.modified().ok(), bytes: about.len(), target: path.canonicalize().ok() })
    }
}

impl Watch {
    /// Watches the files of all plugins that ask for it, now or later; none where no plugin has a file.
    pub(in crate::context) fn start(swapper: &Swapper) -> std::io::Result<Option<Self>> {
        if swapper.specs().is_empty() {
            return Ok(None);
        }
        let (stop, stopped) = unbounded();
        let swapper = swapper.clone();
        // What differs from what runs is found out at once, so that what somebody swaps in meanwhile isn't taken for that.
        let files: Vec<File> = watched(&swapper, Vec::new());
        let thread = std::thread::Builder::new().name("watch".into());
        let thread = thread.spawn(move || watch(&swapper, files, &stopped))?;
        Ok(Some(Self { stop: Some(stop), thread: Some(thread) }))
    }
}

/// The files to watch, of which `before` were watched before. One that is another by now than what runs counts as
/// changed, unless it ran before, and something else took its place.
fn watched(swapper: &Swapper, mut before: Vec<File>) -> Vec<File> {
    let history = swapper.history();
    let ran = |plugin: &String, digest: &String| {
        let mut changes = history.iter().filter(|change| change.plugin == *plugin);
        changes.any(|change| change.digest == *digest || change.from.as_ref() == Some(digest))
    };
    let in_use = swapper.in_use();
    let specs = swapper.specs().into_iter().filter(|(_, spec)| spec.watch);
    let file = |(name, spec): (String, PluginSpec)| {
        let known = before.iter().position(|file| file.plugin == name && file.path == spec.path);
        if let Some(known) = known {
            return before.swap_remove(known);
        }
        let look = Look::at(&spec.path);
        let digest = PluginFile::read(&name, &spec).ok().map(|file| file.digest);
        let runs = |digest: &String| in_use.get(&name).is_some_and(|in_use| in_use.digest == *digest);
        let seen = look.filter(|_| digest.is_some_and(|digest| runs(&digest) || ran(&name, &digest)));
        File { plugin: name, path: spec.path, seen }
    };
    specs.map(file).collect()
}

fn watch(swapper: &Swapper, mut files: Vec<File>, stopped: &Receiver<()>) {
    let mut swaps = Swaps { swapper: swapper.clone(), beside: Vec::new() };
    loop {
        let (told, changed) = unbounded();
        let _watcher = if files.is_empty() { None } else { listen(&files, told) };
        if !watch_these(&mut swaps, &mut files, stopped, &changed) {
            return;
        }
        files = watched(swapper, files);
    }
}

/// What asks for swaps.
struct Swaps {
    swapper: Swapper,
    /// Those of versions that run beside the ones in use.
    beside: Vec<JoinHandle<()>>,
}

impl Drop for Swaps {
    /// The pipeline has ended by then, which each of them is told. They hold plugins, as the watch does.
    fn drop(&mut self) {
        self.beside.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// Watches `files` until others are to be watched, or until it is stopped, which is false.
fn watch_these(
    swaps: &mut Swaps,
    files: &mut [File],
    stopped: &Receiver<()>,
    changed: &Receiver<()>,
) -> bool {
    let specs_changed = swaps.swapper.shared.specs_changed.1.clone();
    // Without a watcher nobody tells of changes, and its channel has ended.
    let is_told = !matches!(changed.try_recv(), Err(TryRecvError::Disconnected));
    let never = crossbeam_channel::never();
    let changed = if is_told { changed } else { &never };
    loop {
        for file in &mut *files {
            look(swaps, file);
        }
        let rest = if files.is_empty() { Duration::MAX } else { LOOK };
        crossbeam_channel::select! {
            recv(stopped) -> _ => return false,
            recv(specs_changed) -> _ => return !swaps.swapper.has_ended(),
            recv(changed) -> _ => while changed.try_recv().is_ok() {},
            default(rest) => {}
        }
        if swaps.swapper.has_ended() {
            return false;
        }
    }
}

/// Has the file system tell of changes in the folders of `files`, where it can.
fn listen(files: &[File], told: Sender<()>) -> Option<RecommendedWatcher> {
    let tell = move |_: notify::Result<notify::Event>| {
        // Whoever listens may have gone.
        let _ = told.send(());
    };
    let mut watcher = reach(Point::Listen)
        .map_err(notify::Error::io)
        .and_then(|()| notify::recommended_watcher(tell))
        .inspect_err(|error| tracing::info!("files of plugins are looked at once a second: {error}"))
        .ok()?;
    // Also those that links lead to, where a file may be written.
    let links = files.iter().filter_map(|file| file.path.canonicalize().ok());
    let paths = files.iter().map(|file| file.path.clone()).chain(links);
    let folders: HashSet<PathBuf> = paths.filter_map(|path| Some(path.parent()?.to_owned())).collect();
    for folder in folders {
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
            tracing::info!(folder = %folder.display(), "files of plugins are looked at once a second: {error}");
        }
    }
    Some(watcher)
}

/// Swaps `file` in where it changed.
fn look(swaps: &mut Swaps, file: &mut File) {
    let mut now = Look::at(&file.path);
    if now.is_none() || now == file.seen {
        return;
    }
    loop {
        std::thread::sleep(SETTLE);
        let later = Look::at(&file.path);
        if later == now {
            break;
        }
        now = later;
    }
    // A file that vanished comes back, or it doesn't.
    if now.is_none() {
        return;
    }
    file.seen = now;
    let (plugin, path) = (file.plugin.clone(), file.path.clone());
    let swap = {
        let swapper = swaps.swapper.clone();
        move || {
            let code = Code::File(path.clone());
            tell(&plugin, &path, swapper.swap_all(&[(plugin.clone(), code)], How::Watch));
        }
    };
    if swaps.swapper.specs().get(&file.plugin).is_none_or(|spec| spec.shadow == 0) {
        return swap();
    }
    // What runs beside may wait for rows for long, and the file may change before.
    swaps.beside.retain(|thread| !thread.is_finished());
    match std::thread::Builder::new().name("swap".into()).spawn(swap) {
        Ok(thread) => swaps.beside.push(thread),
        Err(error) => tracing::error!("no thread for a swap: {error}"),
    }
}

fn tell(plugin: &str, path: &Path, swapped: Result<Vec<Swapped>, SwapError>) {
    match swapped {
        // These are told where they happen.
        Ok(_)
        | Err(
            SwapError::Unchanged { .. }
            | SwapError::RolledBack { .. }
            | SwapError::Superseded(_)
            | SwapError::Ended,
        ) => {}
        Err(error) => {
            tracing::error!(plugin, file = %path.display(), "not swapped, what ran goes on: {error}");
        }
    }
}
