//! A private Open vSwitch for one test: a real ovs-vswitchd with the dummy datapath, which needs
//! neither root nor network devices, in a directory of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bridgechain::ofctl::Dialect;
use bridgechain::portmap;
use bridgechain::ports::Ports;
use bridgechain::program::{Flow, FlowKey, Group, Meter, Program};
use bridgechain::topology::{Bridges, Host, Role};
use bytes::BytesMut;
use openflow::{
    FlowStatsRequest, Framer, Message, MeterId, MultipartFlags, MultipartReply, MultipartReplyBody,
    MultipartRequest, MultipartRequestBody, PortNo, Xid,
};
use tempfile::TempDir;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Ovs {
    directory: TempDir,
    /// Stopped in this order.
    processes: Vec<Child>,
}

impl Ovs {
    /// `None`, said aloud, where Open vSwitch is not installed.
    pub(crate) fn start() -> Option<Self> {
        let schema = Path::new("/usr/share/openvswitch/vswitch.ovsschema");
        let is_missing = |program| Command::new(program).arg("--version").output().is_err();
        let programs = [
            "ovsdb-tool",
            "ovsdb-server",
            "ovs-vswitchd",
            "ovs-vsctl",
            "ovs-ofctl",
        ];
        if !schema.exists() || programs.into_iter().any(is_missing) {
            skipped("Open vSwitch");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut ovs = Self {
            directory,
            processes: Vec::new(),
        };
        let database = ovs.path("conf.db");
        run(ovs
            .command("ovsdb-tool")
            .arg("create")
            .arg(&database)
            .arg(schema));
        let remote = format!("--remote=punix:{}", ovs.path("db.sock").display());
        ovs.spawn("ovsdb-server", &[database.display().to_string(), remote]);
        wait_for("ovsdb-server", || {
            UnixStream::connect(ovs.path("db.sock")).is_ok()
        });
        ovs.vsctl(&["--no-wait", "init"]);
        let database = format!("unix:{}", ovs.path("db.sock").display());
        let control = format!("--unixctl={}", ovs.path("vswitchd.ctl").display());
        let options = [
            database,
            control,
            "--enable-dummy".into(),
            "--disable-system".into(),
        ];
        ovs.spawn("ovs-vswitchd", &options);
        wait_for("ovs-vswitchd", || {
            UnixStream::connect(ovs.path("vswitchd.ctl")).is_ok()
        });
        Some(ovs)
    }

    fn spawn(&mut self, program: &str, arguments: &[String]) {
        let log = fs::File::create(self.path(&format!("{program}.log"))).expect("a log file");
        let mut command = self.command(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        self.processes.insert(0, child);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for variable in ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"] {
            command.env(variable, self.directory.path());
        }
        command
    }

    pub(crate) fn vsctl(&self, arguments: &[&str]) -> String {
        let database = format!("--db=unix:{}", self.path("db.sock").display());
        run(self
            .command("ovs-vsctl")
            .args([&database, "--timeout=30"])
            .args(arguments))
    }

    pub(crate) fn appctl(&self, arguments: &[&str]) -> String {
        let target = self.path("vswitchd.ctl");
        run(self
            .command("ovs-appctl")
            .arg("-t")
            .arg(target)
            .args(arguments))
    }

    /// `ovs-ofctl COMMAND BRIDGE ARGUMENTS`.
    pub(crate) fn ofctl(&self, command: &str, bridge: &str, arguments: &[&str]) -> String {
        let target = format!("unix:{}", self.management(bridge).display());
        run(self
            .command("ovs-ofctl")
            .args(["-OOpenFlow13", command, &target])
            .args(arguments))
    }

    /// `ovs-ofctl COMMAND BRIDGE FILE`, `text` being what is in the file.
    pub(crate) fn ofctl_file(&self, command: &str, bridge: &str, text: &str) -> String {
        let file = self.path("input");
        fs::write(&file, text).expect("a file in the temporary directory");
        self.ofctl(command, bridge, &[&file.display().to_string()])
    }

    fn management(&self, bridge: &str) -> PathBuf {
        self.path(&format!("{bridge}.mgmt"))
    }

    /// Makes a host's bridges with these ports, patch ports joined.
    pub(crate) fn add_host(&self, host: &Host, bridges: &[(Role, Ports)]) {
        let mut transaction: Vec<String> = Vec::new();
        let mut say = |words: &[&str]| {
            transaction.push("--".to_owned());
            transaction.extend(words.iter().map(|word| (*word).to_owned()));
        };
        let peers = peers(host);
        for (role, ports) in bridges {
            let bridge = bridge_name(host, *role);
            say(&["add-br", bridge]);
            say(&[
                "set",
                "bridge",
                bridge,
                "datapath_type=dummy",
                "fail_mode=secure",
            ]);
            say(&["set", "bridge", bridge, "protocols=OpenFlow13"]);
            for (name, number) in ports.iter().filter(|(_, number)| *number != PortNo::LOCAL) {
                let number = format!("ofport_request={number}");
                say(&["add-port", bridge, name]);
                say(&["set", "interface", name, &number]);
                match peers.get(name) {
                    Some(peer) => {
                        let peer = format!("options:peer={peer}");
                        say(&["set", "interface", name, "type=patch", &peer]);
                    }
                    None => say(&["set", "interface", name, "type=dummy"]),
                }
            }
        }
        let words: Vec<&str> = transaction.iter().map(String::as_str).collect();
        self.vsctl(&words);
    }

    /// Takes links up or down, and waits until the switch sends accordingly: it has a change in its
    /// translation a turn of its main loop after the command was answered.
    pub(crate) fn set_links(&self, host: &Host, links: &[(Role, PortNo, &str, bool)]) {
        for (_, _, name, is_up) in links {
            let state = if *is_up { "up" } else { "down" };
            self.appctl(&["netdev-dummy/set-admin-state", name, state]);
        }
        for (role, port, name, is_up) in links {
            let bridge = bridge_name(host, *role);
            let if_live = format!("bundle(eth_src,0,active_backup,ofport,members:{port})");
            wait_for(name, || {
                let trace = self.appctl(&[
                    "ofproto/trace-packet-out",
                    bridge,
                    "in_port=LOCAL",
                    &if_live,
                ]);
                trace.contains("Datapath actions: drop") != *is_up
            });
        }
    }

    /// Removes the bridges of a host.
    pub(crate) fn remove_host(&self, host: &Host, bridges: &[(Role, Ports)]) {
        for (role, _) in bridges {
            self.vsctl(&["del-br", bridge_name(host, *role)]);
        }
    }

    /// Loads a bridge with `ovs-ofctl`.
    pub(crate) fn load(&self, bridge: &str, dialect: Dialect<'_>, program: &Program) {
        // Flows that use a meter are refused without it.
        for (id, meter) in &program.meters {
            self.ofctl(
                "add-meter",
                bridge,
                &[&dialect.meter(*id, meter).to_string()],
            );
        }
        let groups = program.groups.iter();
        let groups = groups.map(|(id, group)| format!("{}\n", dialect.group(*id, group)));
        self.ofctl_file("add-groups", bridge, &groups.collect::<String>());
        let flows = program.flows.iter();
        let flows = flows.map(|(key, flow)| format!("{}\n", dialect.flow(key, flow)));
        self.ofctl_file("add-flows", bridge, &flows.collect::<String>());
    }

    /// What a bridge holds, read by OpenFlow.
    pub(crate) fn read_back(&self, bridge: &str) -> Program {
        let mut connection = Connection::open(&self.management(bridge));
        let mut program = Program::default();
        let requests = [
            MultipartRequestBody::Flow(FlowStatsRequest::all()),
            MultipartRequestBody::GroupDesc,
            MultipartRequestBody::MeterConfig(MeterId::ALL),
        ];
        for body in requests
            .into_iter()
            .flat_map(|request| connection.ask(request))
        {
            match body {
                MultipartReplyBody::Flow(flows) => {
                    program.flows.extend(flows.into_iter().map(|flow| {
                        let key = FlowKey {
                            table: flow.table_id,
                            priority: flow.priority,
                            match_: flow.match_.canonical(),
                        };
                        let flow = Flow {
                            cookie: flow.cookie,
                            idle_timeout: flow.idle_timeout,
                            flags: flow.flags,
                            instructions: flow.instructions,
                        };
                        (key, flow)
                    }));
                }
                MultipartReplyBody::GroupDesc(groups) => {
                    program.groups.extend(groups.into_iter().map(|group| {
                        (
                            group.group_id,
                            Group {
                                kind: group.kind,
                                buckets: group.buckets,
                            },
                        )
                    }));
                }
                MultipartReplyBody::MeterConfig(meters) => {
                    program.meters.extend(meters.into_iter().map(|meter| {
                        (
                            meter.meter_id,
                            Meter {
                                flags: meter.flags,
                                bands: meter.bands,
                            },
                        )
                    }));
                }
                other => panic!("not what was asked for: {other:?}"),
            }
        }
        program
    }
}

impl Drop for Ovs {
    fn drop(&mut self) {
        for child in &mut self.processes {
            // Both fail only for a process that is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The name of a bridge; of one that the configuration does not name too.
pub(crate) fn bridge_name(host: &Host, role: Role) -> &str {
    host.bridge(role).map_or("any0", |bridge| &bridge.name)
}

/// The bridges of a host with all their configured ports.
pub(crate) fn all_ports(host: &Host) -> Vec<(Role, Ports)> {
    let roles: Vec<Role> = match host.bridges {
        Bridges::AnyLearning => vec![Role::Learning],
        _ => host.bridges().map(|(role, _)| role).collect(),
    };
    roles
        .into_iter()
        .map(|role| (role, portmap::assumed(host, role)))
        .collect()
}

/// Every patch port with the one at its other end.
fn peers(host: &Host) -> BTreeMap<&str, &str> {
    let Bridges::Chain(chain) = &host.bridges else {
        return BTreeMap::new();
    };
    let both_ways = chain
        .patches
        .iter()
        .flat_map(|patch| [(&*patch.left, &*patch.right), (&*patch.right, &*patch.left)]);
    both_ways.collect()
}

/// Runs a command to its end; what it printed.
fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {complaint}");
    String::from_utf8(output.stdout).expect("text")
}

fn wait_for(what: &str, is_ready: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_ready() {
        assert!(
            Instant::now() < deadline,
            "{what} is not ready after {PATIENCE:?}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// An OpenFlow connection to a bridge, beside that of any controller.
struct Connection {
    stream: UnixStream,
    buffer: BytesMut,
}

impl Connection {
    fn open(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("the bridge listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout is not zero");
        let mut connection = Self {
            stream,
            buffer: BytesMut::new(),
        };
        connection.send(&Message::Hello(openflow::Hello::default()));
        connection
    }

    fn send(&mut self, message: &Message) {
        let mut bytes = Vec::new();
        message
            .encode(Xid(1), &mut bytes)
            .expect("a message that fits");
        self.stream.write_all(&bytes).expect("the bridge reads");
    }

    fn receive(&mut self) -> Message {
        loop {
            if let Some(frame) = Framer::new()
                .next(&mut self.buffer)
                .expect("a whole message")
            {
                return Message::decode(frame)
                    .expect("a message that is well formed")
                    .1;
            }
            let mut bytes = [0; 65536];
            let count = self.stream.read(&mut bytes).expect("an answer in time");
            assert_ne!(count, 0, "the bridge closed the connection");
            self.buffer.extend_from_slice(&bytes[..count]);
        }
    }

    /// All parts of the answer to a multipart request.
    fn ask(&mut self, body: MultipartRequestBody) -> Vec<MultipartReplyBody> {
        let request = MultipartRequest {
            flags: MultipartFlags::empty(),
            body,
        };
        self.send(&Message::MultipartRequest(request));
        let mut bodies = Vec::new();
        loop {
            match self.receive() {
                Message::Hello(_) => {}
                Message::EchoRequest(data) => self.send(&Message::EchoReply(data)),
                Message::MultipartReply(MultipartReply { flags, body }) => {
                    bodies.push(body);
                    if !flags.contains(MultipartFlags::MORE) {
                        return bodies;
                    }
                }
                other => panic!("unexpected: {other:?}"),
            }
        }
    }
}

/// Says that the running test is skipped for lack of `what`: past the test harness, which keeps what
/// a passing test prints to itself. `integration/test` counts these lines.
fn skipped(what: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    writeln!(
        std::io::stderr(),
        "\nSKIPPED: {test}: {what} is not installed"
    )
    .expect("stderr can be written");
}
