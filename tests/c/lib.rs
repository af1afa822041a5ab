//! The C test programs beside this file are built and run by `tests/run.rs`; there is no library.
