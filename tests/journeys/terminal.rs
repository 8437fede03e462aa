//! The same in a terminal: `resident chat` on a profile of its own.

use std::fs;
use std::process::Command;
use std::time::Duration;

use resident_tests::home::Home;
use resident_tests::terminal::Terminal;
use resident_tests::trace::{self, internet_sockets, is_complete};
use resident_tests::{artefacts, program};

use crate::machine;
use crate::page::TURN;

#[test]
fn what_is_told_in_the_terminal_is_remembered_after_a_restart() {
    let _machine = machine();
    let home = Home::new();
    let file = artefacts().join("terminal.strace");
    let words = [String::from("strace")].into_iter().chain(trace::arguments(&file, &program("resident")));
    let traced: Vec<String> = words.chain([String::from("chat")]).collect();

    let mut terminal = Terminal::open(&home, &traced.join(" "));
    terminal.shows("What should I call you?", TURN);
    terminal.type_line("Nick");
    terminal.shows("You are talking with", TURN);
    terminal.type_line("Remember I prefer dark mode.");
    terminal.shows("remembered in human", TURN);
    terminal.shows("\n> ", TURN);
    terminal.type_line("");
    terminal.ends(Duration::from_secs(30));

    assert!(human_block(&home).to_lowercase().contains("dark mode"), "another start finds it: {}", human_block(&home));

    let trace = fs::read_to_string(&file).expect("strace wrote its file");
    assert!(is_complete(&trace), "the trace begins with the program");
    assert_eq!(internet_sockets(&trace), [""; 0], "no socket of the internet was opened");
}

fn human_block(home: &Home) -> String {
    let mut command = Command::new(program("resident"));
    let output = home.settle(&mut command).args(["blocks", "show", "human"]).output().expect("resident can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
