//! End to end: a mirror, its register in memory, and the real adapters speaking HTTP to the sandbox and to a scripted
//! OpenID provider. Time stands still until a test moves it.

mod adapters;
mod deletion;
mod keys;
mod kit;
mod links;
mod model;
mod names;
mod oidc;
mod owners;
mod provider;
mod sandbox;
mod several;
mod world;
