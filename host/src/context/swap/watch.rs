//! Watching the files of plugins, and swapping in what they change to.
//!
//! The file system tells of changes in their folders where it can, and the files are looked at once a second anyhow: for
//! file systems that tell nothing, and for links further up that are switched. A file is taken once it has stayed the
//! same for a moment, so that one that is being written isn't. What can't be used is told once, and tried again when the
//! file changes.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::read::Code;
use super::swapper::Swapper;
use super::{SwapError, Swapped};
use crate::checkpoint::How;
use crate::manifest::PluginSource;
use crate::plugin::PluginFile;

/// How often files are looked at where nothing tells of changes.
const LOOK: Duration = Duration::from_secs(1);

/// How long a file has to stay the same before it is taken.
const SETTLE: Duration = Duration::from_millis(40);

/// Watches files until it is dropped.
pub(in crate::context) struct Watch {
    /// Its end ends the thread.
    _stop: Sender<()>,
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
    /// Watches the files of all plugins that ask for it; none where none does.
    pub(in crate::context) fn start(swapper: &Swapper) -> std::io::Result<Option<Self>> {
        let files: Vec<File> = watched(swapper).collect();
        if files.is_empty() {
            return Ok(None);
        }
        let (stop, stopped) = unbounded();
        let swapper = swapper.clone();
        let thread = std::thread::Builder::new().name("watch".into());
        thread.spawn(move || watch(&swapper, files, &stopped))?;
        Ok(Some(Self { _stop: stop }))
    }
}

/// The files to watch. One that is another by now than what runs counts as changed; that is found out at once, so that
/// what somebody swaps in meanwhile isn't taken for what runs.
fn watched(swapper: &Swapper) -> impl Iterator<Item = File> {
    let in_use = swapper.in_use();
    swapper.pipeline.plugins.iter().filter_map(move |(name, source)| match source {
        PluginSource::File(spec) if spec.watch => {
            let look = Look::at(&spec.path);
            let runs = in_use.get(name).map(|in_use| in_use.digest.as_str());
            let digest = PluginFile::read(name, spec).ok().map(|file| file.digest);
            let seen = look.filter(|_| digest.is_some() && digest.as_deref() == runs);
            Some(File { plugin: name.clone(), path: spec.path.clone(), seen })
        }
        _ => None,
    })
}

fn watch(swapper: &Swapper, mut files: Vec<File>, stopped: &Receiver<()>) {
    let (told, changed) = unbounded();
    let _watcher = listen(&files, told);
    loop {
        for file in &mut files {
            look(swapper, file);
        }
        crossbeam_channel::select! {
            recv(stopped) -> _ => return,
            // Without a watcher nobody tells: then it is as if nothing came.
            recv(changed) -> told => match told {
                Ok(()) => while changed.try_recv().is_ok() {},
                Err(_) => match stopped.recv_timeout(LOOK) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                },
            },
            default(LOOK) => {}
        }
        if swapper.has_ended() {
            return;
        }
    }
}

/// Has the file system tell of changes in the folders of `files`, where it can.
fn listen(files: &[File], told: Sender<()>) -> Option<RecommendedWatcher> {
    let tell = move |_: notify::Result<notify::Event>| {
        // Whoever listens may have gone.
        let _ = told.send(());
    };
    let mut watcher = notify::recommended_watcher(tell)
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
fn look(swapper: &Swapper, file: &mut File) {
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
    let code = Code::File(file.path.clone());
    tell(file, swapper.swap_all(&[(file.plugin.clone(), code)], How::Watch));
}

fn tell(file: &File, swapped: Result<Vec<Swapped>, SwapError>) {
    match swapped {
        // These are told where they happen.
        Ok(_) | Err(SwapError::Unchanged { .. } | SwapError::RolledBack { .. } | SwapError::Ended) => {}
        Err(error) => {
            tracing::error!(plugin = %file.plugin, file = %file.path.display(), "not swapped, what ran goes on: {error}");
        }
    }
}
