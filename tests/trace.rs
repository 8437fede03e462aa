//! What a program asked of the network, seen from the system calls that it made.

use std::path::Path;

/// Arguments that let `strace` start a program and write its calls on sockets to a file, those of all its children
/// included.
pub fn arguments(trace: &Path, program: &Path) -> Vec<String> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let options = ["-f", "--seccomp-bpf", "-qq", "-e", "trace=%network,execve", "-o"].map(str::to_owned);
    options.into_iter().chain([text(trace), text(program)]).collect()
}

/// Whether a trace is one: it begins with the start of the program.
pub fn is_complete(trace: &str) -> bool {
    trace.contains("execve(")
}

/// Lines of a trace that name an address which is not on this computer. Sockets of the kernel and of the file system
/// have none; of the others only loopback is local.
pub fn foreign_addresses(trace: &str) -> Vec<&str> {
    let families = ["sin_addr=", "sin6_addr"];
    trace.lines().filter(|line| families.iter().any(|family| line.contains(family)) && !is_loopback(line)).collect()
}

fn is_loopback(line: &str) -> bool {
    let local = ["inet_addr(\"127.", "AF_INET6, \"::1\"", "AF_INET6, \"::ffff:127."];
    local.iter().any(|address| line.contains(address))
}

/// Lines of a trace that open a socket of the internet families.
pub fn internet_sockets(trace: &str) -> Vec<&str> {
    trace.lines().filter(|line| line.contains("socket(AF_INET")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_elsewhere_is_seen() {
        let trace = r#"
12 connect(5, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("93.184.215.14")}, 16) = 0
12 connect(5, {sa_family=AF_INET, sin_port=htons(4445), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
12 connect(5, {sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = 0
12 bind(5, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("0.0.0.0")}, 16) = 0
12 connect(4, {sa_family=AF_UNIX, sun_path="/run/user/0/bus"}, 20) = 0
12 socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 5"#;
        assert_eq!(foreign_addresses(trace).len(), 3);
    }
}
