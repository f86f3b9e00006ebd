//! Files that are not scanned because `.panveilignore`, `.gitignore` or `--exclude` names them.

use crate::failure::Failure;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::env;
use std::path::{Path, PathBuf};

/// Rules of the command line, and the current directory that they are relative to.
pub struct IgnoreRules {
    exclude: Gitignore,
    /// True if files with rules are read.
    reads_files: bool,
}

/// Rules of the directories from the root of a repository to the current one.
#[derive(Default)]
pub struct IgnoreStack {
    frames: Vec<Frame>,
}

/// Rules of one directory.
struct Frame {
    /// Number of directories between it and the walked one; `None` for those above.
    depth: Option<usize>,
    is_repository: bool,
    git: Gitignore,
    own: Gitignore,
}

impl IgnoreRules {
    /// Rules of `--exclude`, in the syntax of `.gitignore`. Without `reads_files`, there are no others.
    pub fn new(exclude: &[String], reads_files: bool) -> Result<Self, Failure> {
        let mut builder = GitignoreBuilder::new(env::current_dir().unwrap_or_default());
        for glob in exclude {
            builder.add_line(None, glob).map_err(|error| Failure::Error(format!("--exclude {glob}: {error}")))?;
        }
        let exclude = builder.build().map_err(|error| Failure::Error(format!("--exclude: {error}")))?;
        Ok(Self { exclude, reads_files })
    }

    /// True if the rules of the command line or of `.panveilignore` exclude a file that the command line names. `.gitignore` does
    /// not count, as in git.
    pub fn excludes_named(&self, path: &Path) -> bool {
        absolute(path).is_some_and(|path| self.excludes_below(&self.stack(&path), &path))
    }

    /// The same for a file below the directories of the stack.
    pub fn excludes_below(&self, stack: &IgnoreStack, path: &Path) -> bool {
        let mut rules = [&self.exclude].into_iter().chain(stack.frames.iter().rev().map(|frame| &frame.own));
        // A rule for a directory excludes the files in it.
        let with_parents =
            |rules: &Gitignore| path.ancestors().enumerate().find_map(|(index, path)| decision(rules, path, index > 0));
        rules.find_map(with_parents).unwrap_or(false)
    }

    /// True if a file or directory in a walked directory is excluded.
    pub fn excludes(&self, stack: &IgnoreStack, path: &Path, is_dir: bool) -> bool {
        if let Some(is_ignored) = decision(&self.exclude, path, is_dir) {
            return is_ignored;
        }
        let own = stack.frames.iter().rev().find_map(|frame| decision(&frame.own, path, is_dir));
        own.unwrap_or_else(|| {
            // The rules of an outer repository do not apply in an inner one.
            let innermost = stack.frames.iter().rposition(|frame| frame.is_repository);
            let frames = innermost.and_then(|index| stack.frames.get(index..)).unwrap_or_default();
            frames.iter().rev().find_map(|frame| decision(&frame.git, path, is_dir)).unwrap_or(false)
        })
    }

    /// Rules above and in the walked directory `root`.
    pub fn stack(&self, root: &Path) -> IgnoreStack {
        IgnoreStack::above(root, self.reads_files)
    }

    /// Enters a directory at that depth below the walked one, after [`IgnoreStack::leave`].
    pub fn enter(&self, stack: &mut IgnoreStack, path: &Path, depth: usize) {
        if self.reads_files {
            stack.frames.push(Frame::of(path, Some(depth)));
        }
    }

    /// True for the directory of git's objects, which are compressed.
    pub fn is_git_directory(&self, path: &Path) -> bool {
        self.reads_files && path.file_name().is_some_and(|name| name == ".git") && path.join("objects").is_dir()
    }
}

impl IgnoreStack {
    /// Rules of the directories above `path` up to the root of its repository, or of its directory alone without one.
    fn above(path: &Path, reads_files: bool) -> Self {
        let mut frames = Vec::new();
        if reads_files {
            let above: Vec<&Path> = path.ancestors().skip(1).collect();
            let root = above.iter().position(|directory| directory.join(".git").exists()).unwrap_or(0);
            frames.extend(above.iter().take(root.saturating_add(1)).rev().map(|directory| Frame::of(directory, None)));
        }
        Self { frames }
    }

    /// Leaves the directories that do not contain an entry at that depth.
    pub fn leave(&mut self, depth: usize) {
        while self.frames.last().is_some_and(|frame| frame.depth.is_some_and(|own| own >= depth)) {
            self.frames.pop();
        }
    }
}

impl Frame {
    fn of(directory: &Path, depth: Option<usize>) -> Self {
        // An invalid line is skipped, as in git.
        let rules = |name: &str| {
            let path = directory.join(name);
            if path.is_file() { Gitignore::new(path).0 } else { Gitignore::empty() }
        };
        Self {
            depth,
            is_repository: directory.join(".git").exists(),
            git: rules(".gitignore"),
            own: rules(".panveilignore"),
        }
    }
}

/// Path of a file without symbolic links in its directory.
pub fn absolute(path: &Path) -> Option<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (parent.canonicalize(), path.file_name()) {
        (Ok(parent), Some(name)) => Some(parent.join(name)),
        _ => path.canonicalize().ok(),
    }
}

/// Decision of the rules, `None` if none of them matches.
fn decision(rules: &Gitignore, path: &Path, is_dir: bool) -> Option<bool> {
    if rules.is_empty() || path == rules.path() || rules.path().starts_with(path) {
        return None;
    }
    match rules.matched(path, is_dir) {
        Match::None => None,
        Match::Ignore(_) => Some(true),
        Match::Whitelist(_) => Some(false),
    }
}
