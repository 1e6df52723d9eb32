//! A kernel in groups, on a bridge of the host's: who joined is what the bridge has heard, and it asks for members as a
//! router does.

use std::time::Duration;

use tests::{Child, Configuration, Namespace, need_network, repository, skip, wait_until};

/// How long something may take that the bridge decides.
const LIMIT: Duration = Duration::from_secs(60);

const GROUP: &str = "239.1.2.3";
const GROUP_6: &str = "ff05::1:2";

/// What a bridge and the kernel behind it speak.
struct Language {
    /// Versions of IGMP and MLD.
    igmp: u8,
    mld: u8,
    /// What tcpdump shows of joining, and of answers, one after the other.
    reports: [&'static str; 2],
    reports_6: [&'static str; 2],
    /// Of leaving.
    leaves: &'static str,
    leaves_6: &'static str,
}

#[test]
fn a_bridge_hears_of_members_by_the_newest_versions() {
    members(
        "a_bridge_hears_of_members_by_the_newest_versions",
        &Language {
            igmp: 3,
            mld: 2,
            reports: ["gaddr 239.1.2.3 to_ex", "gaddr 239.1.2.3 is_ex"],
            reports_6: ["gaddr ff05::1:2 to_ex", "gaddr ff05::1:2 is_ex"],
            leaves: "gaddr 239.1.2.3 to_in",
            leaves_6: "gaddr ff05::1:2 to_in",
        },
    );
}

#[test]
fn a_bridge_hears_of_members_by_older_versions() {
    members(
        "a_bridge_hears_of_members_by_older_versions",
        &Language {
            igmp: 2,
            mld: 1,
            reports: ["igmp v2 report 239.1.2.3", "igmp v2 report 239.1.2.3"],
            reports_6: [
                "max resp delay: 0 addr: ff05::1:2",
                "max resp delay: 0 addr: ff05::1:2",
            ],
            leaves: "igmp leave 239.1.2.3",
            leaves_6: "multicast listener done",
        },
    );
}

fn members(name: &str, language: &Language) {
    if !need_network(name, &["bridge", "python3", "tcpdump", "timeout"]) {
        return;
    }
    let namespace = Namespace::new();
    // The times are in hundredths of a second.
    let made = namespace
        .command("ip")
        .args("link add br0 type bridge mcast_snooping 1 mcast_querier 1".split(' '))
        .args("mcast_query_use_ifaddr 1 forward_delay 0".split(' '))
        .args("mcast_query_interval 300 mcast_query_response_interval 100".split(' '))
        .args("mcast_startup_query_interval 100 mcast_last_member_interval 100".split(' '))
        .args(["mcast_igmp_version", &language.igmp.to_string()])
        .args(["mcast_mld_version", &language.mld.to_string()])
        .output()
        .unwrap();
    if !made.status.success() {
        return skip(name, "bridges that listen to IGMP, of the host's kernel");
    }
    namespace.run("ip addr flush dev rump0 scope global");
    namespace.run("sysctl -qw net.ipv6.conf.br0.accept_dad=0");
    namespace.run("ip addr add 10.77.0.1/24 dev br0");
    namespace.run("ip addr add fd77::1/64 dev br0 nodad");
    namespace.run("ip link set rump0 master br0");
    namespace.run("ip link set br0 up");

    let configuration = Configuration::build(
        "groups",
        &[
            "--components",
            "net,sockets,multicast",
            "--app",
            "tests/apps/groups",
        ],
    );
    let capture = |what: &str| {
        let probe = Child::start(
            // The bridge never ends to ask: who waits in vain for a line sees others.
            namespace
                .command("timeout")
                .args(["120", "tcpdump", "-i", "rump0", "-n", "-v", "-l", what]),
        );
        probe.expect("listening");
        probe
    };
    let (igmp, mld) = (capture("igmp"), capture("icmp6 or ip6 proto 0"));
    let member = Child::start(namespace.kernel(configuration.app("groups")).args([
        GROUP,
        "10.77.0.2",
        GROUP_6,
    ]));
    let said = member.expect("joined");
    assert_eq!(
        said,
        "joined, and again: Err(EADDRINUSE), hops 3, heard false false"
    );
    let known = || namespace.run("bridge mdb show dev br0");
    let has = |group: &str| known().contains(&format!("port rump0 grp {group} "));
    wait_until("the bridge to hear of the members", LIMIT, || {
        has(GROUP) && has(GROUP_6)
    });
    for report in language.reports {
        igmp.expect(report);
    }
    for report in language.reports_6 {
        mld.expect(report);
    }

    let script = repository().join("tests/programs/groups.py");
    let station = |arguments: &[&str]| {
        let mut command = namespace.command("python3");
        command.arg(&script).args(arguments);
        command
    };
    for (group, own) in [(GROUP, "10.77.0.2"), (GROUP_6, "fd77::2")] {
        let hears = Child::start(&mut station(&["hear", group, "br0", "7001"]));
        hears.expect("joined");
        assert!(namespace.run("ip maddr show dev br0").contains(group));
        let sent = station(&["say", group, "br0", "7000", "a word"]).status();
        assert!(sent.unwrap().success());
        assert_eq!(hears.line(LIMIT), format!("{own}: heard a word"));
    }

    let sent = station(&["say", "10.77.0.2", "br0", "7000", "leave"]).status();
    assert!(sent.unwrap().success());
    member.expect("left");
    igmp.expect(language.leaves);
    mld.expect(language.leaves_6);
    wait_until("the bridge to hear that they left", LIMIT, || {
        !has(GROUP) && !has(GROUP_6)
    });
    let sent = station(&["say", "10.77.0.2", "br0", "7000", "end"]).status();
    assert!(sent.unwrap().success());
    assert_eq!(member.finish(), (true, String::new()));
}
