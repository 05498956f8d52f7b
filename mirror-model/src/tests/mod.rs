//! End to end: a mirror, its register in memory, and the real adapter speaking HTTP to the sandbox. Time stands still
//! until a test moves it.

mod deletion;
mod kit;
mod links;
mod model;
mod names;
mod owners;
mod sandbox;
mod several;
mod world;
