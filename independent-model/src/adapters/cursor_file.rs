//! The cursor of a stream in a small file, which is replaced and never written over.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use namesake::private_file;
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

    fn write(&self, cursor: u64) -> io::Result<()> {
        let _one = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let text = format!("{}\n", json!({ "stream": self.stream, "cursor": cursor }));
        private_file::replace(&self.path, text.as_bytes())
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
