//! Settings of the profile: a key and a JSON value.
