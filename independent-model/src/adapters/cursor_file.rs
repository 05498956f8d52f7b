//! The cursor of a stream in a small file, which is replaced and never written over.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use url::Url;

use crate::{PortFuture, events::CursorKeeper};

/// Keeps the cursor of one stream. Numbers of another stream mean nothing here: the file says whose they are.
#[derive(Debug, Clone)]
pub struct CursorFile {
    path: PathBuf,
    stream: String,
    /// One writer at a time: a save that was given up on may still be under way.
    writer: Arc<Mutex<()>>,
}

impl CursorFile {
    /// In the file `path`, for the stream at `url`.
    #[must_use]
    pub fn new(path: PathBuf, url: &Url) -> Self {
        Self { path, stream: url.to_string(), writer: Arc::default() }
    }

    fn read(&self) -> io::Result<Option<u64>> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let saved: Value = serde_json::from_slice(&text)?;
        let ours = saved.get("stream").and_then(Value::as_str) == Some(self.stream.as_str());
        Ok(saved.get("cursor").and_then(Value::as_u64).filter(|_| ours))
    }

    /// Beside it, synced, and only then in its place; the rename is durable when the folder is.
    fn write(&self, cursor: u64) -> io::Result<()> {
        let _one = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let text = format!("{}\n", json!({ "stream": self.stream, "cursor": cursor }));
        let mut file = File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
    }
}

impl CursorKeeper for CursorFile {
    fn load(&self) -> PortFuture<'_, Option<u64>, io::Error> {
        let file = self.clone();
        Box::pin(off_the_runtime(move || file.read()))
    }

    fn save(&self, cursor: u64) -> PortFuture<'_, (), io::Error> {
        let file = self.clone();
        Box::pin(off_the_runtime(move || file.write(cursor)))
    }
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_replaced_whole_and_belongs_to_its_stream() {
        let folder = tempfile::tempdir().unwrap();
        let at = |url: &str| CursorFile::new(folder.path().join("cursor"), &Url::parse(url).unwrap());
        let file = at("wss://relay.example.com/");
        assert_eq!(file.read().unwrap(), None);
        file.write(7).unwrap();
        file.write(8).unwrap();
        assert_eq!(file.read().unwrap(), Some(8));
        assert_eq!(at("wss://other.example.com/").read().unwrap(), None, "another host counts otherwise");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        fs::write(folder.path().join("cursor"), "nonsense").unwrap();
        assert!(file.read().is_err());
    }
}
