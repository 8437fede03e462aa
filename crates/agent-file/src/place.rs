//! Where in a file something is, kept on the stack while it is read and made into words only when a notice or an error
//! needs them.

use std::fmt;

use crate::json::push_key;

/// One step from the file to the value that is being read, with the step before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    outer: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    File,
    Key(&'p str),
    Index(usize),
}

impl Place<'static> {
    /// The file as a whole.
    pub(crate) const FILE: Self = Place { outer: None, step: Step::File };
}

impl<'p> Place<'p> {
    /// The value at `key` of this object.
    pub(crate) fn key(&'p self, key: &'p str) -> Place<'p> {
        Place { outer: Some(self), step: Step::Key(key) }
    }

    /// The value at `index` of this list.
    pub(crate) fn index(&'p self, index: usize) -> Place<'p> {
        Place { outer: Some(self), step: Step::Index(index) }
    }

    fn write(&self, words: &mut String) {
        if let Some(outer) = self.outer {
            outer.write(words);
        }
        match self.step {
            Step::File => {}
            Step::Key(key) => push_key(words, key),
            Step::Index(index) => words.push_str(&format!("[{index}]")),
        }
    }

    /// The place in words; "the file" for the whole of it, since an error is a sentence about it.
    pub(crate) fn words(&self) -> String {
        let mut words = String::new();
        self.write(&mut words);
        if words.is_empty() { "the file".to_owned() } else { words }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = String::new();
        self.write(&mut words);
        f.write_str(&words)
    }
}
