//! Which addresses may be used.
