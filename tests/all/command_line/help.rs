//! The help of every command.

use super::say;
use crate::support::text;

fn help(command: &[&str]) -> String {
    let output = say(&[command, &["--help"]].concat());
    assert!(output.status.success());
    text(&output.stdout).lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn help_of_sluice() {
    insta::assert_snapshot!(help(&[]), @r"
    Run data connectors that nobody has reviewed.

    A connector is Python code written against the Connector SDK interface. Sluice compiles it to one
    WebAssembly component, runs it with exactly the network, memory and time it was granted, and lands
    its rows and its state in a SQLite database, each checkpoint in one transaction.

    Usage: sluice [OPTIONS] <COMMAND>

    Commands:
      init         Make a new connector project that works at once
      build        Compile a project to one component
      check        Hold a component or project against the contract and say what does not fit
      configure    Fill in a connector's form and test what was filled in
      run          Sync once: run a connector and land its rows and state
      tables       List a connection's tables: rows, keys, columns and when they were last synced
      peek         Show the first rows of a table
      state        Show, set or reset the state of a connection
      resync       Read everything again, and then delete what the source no longer has
      secrets      Store, list and remove the secrets of a connection
      reset        Delete a connection's tables and state
      migrate      Give a table another primary key
      completions  Print a completion script for a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -v, --verbose...
              Say more about what the host does, on standard error (-vv for everything)

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Exit codes:
      0  success
      1  the connector failed, or a component does not conform to the contract
      2  the command line, a configuration or a project file was refused; nothing ran
      3  a limit of the sync was reached
      4  the connector wanted something that was not granted
      5  the host or its machine failed
    ");
}

#[test]
fn help_of_init() {
    insta::assert_snapshot!(help(&["init"]), @r"
    Make a new connector project that works at once

    Usage: sluice init [OPTIONS] [FOLDER]

    Arguments:
      [FOLDER]  The folder to make; must not hold a connector yet [default: .]

    Options:
      -v, --verbose...  Say more about what the host does, on standard error (-vv for everything)
      -h, --help        Print help
      -V, --version     Print version
    ");
}

#[test]
fn help_of_build() {
    insta::assert_snapshot!(help(&["build"]), @r"
    Compile a project to one component

    Usage: sluice build [OPTIONS] [PROJECT]

    Arguments:
      [PROJECT]
              The project: a folder with connector.py

              [default: .]

    Options:
      -o, --output <FILE>
              Where to write the component [default: <project>/<name>.wasm]

          --upgrade
              Look for newer versions of the packages than those in pylock.sluice.toml

          --locked
              Refuse to build anything but what pylock.sluice.toml says

          --allow-sdist <PACKAGE>
              Build this package from its source, which runs its code on this machine; may be repeated

              Once built it is kept in the cache, and later builds need no permission.

          --json
              Print one JSON object about the result instead of text

      -v, --verbose...
              Say more about what the host does, on standard error (-vv for everything)

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn help_of_check() {
    insta::assert_snapshot!(help(&["check"]), @r"
    Hold a component or project against the contract and say what does not fit

    Works for components of any language. Exits with 0 when it conforms, 1 when it does not.

    Usage: sluice check [OPTIONS] <SUBJECT>

    Arguments:
      <SUBJECT>
              A component (.wasm) or a project folder

    Options:
          --json
              Print the report as one JSON object

      -v, --verbose...
              Say more about what the host does, on standard error (-vv for everything)

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn help_of_run() {
    insta::assert_snapshot!(help(&["run"]), @r#"
    Sync once: run a connector and land its rows and state

    A project is built first when something changed. Nothing is granted unless you say so: a connector
    reaches only the hosts given with --allow and, for a project (your own code), the public hosts that
    its connector.toml lists.

    Usage: sluice run [OPTIONS] <SUBJECT>

    Arguments:
      <SUBJECT>
              A component (.wasm) or a project folder

    Options:
          --configuration <FILE>
              The configuration: a flat JSON object of strings [default: <project>/configuration.json]

          --connection <NAME>
              Name of the connection, which names the database [default: the connector's name]

          --warehouse <DIR>
              Folder of the databases, one <connection>.db each

              [default: warehouse]

          --state <FILE>
              Start this sync from the state in this file, a JSON object, or - for standard input.
              Checkpoints are kept as usual, and the next sync starts from the last of them

          --preview <ROWS>
              Rows to show of each table at the end

              [default: 5]

          --json
              Print events and the result as JSON, one object a line, on standard output

      -v, --verbose...
              Say more about what the host does, on standard error (-vv for everything)

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Grants:
          --allow <SCHEME://HOST[:PORT]>
              Grant requests to a host: https://api.example.com, http://127.0.0.1:8080,
              https://*.example.com; or TCP connections, with TLS only or either way:
              tls://db.example.com:5432, tcp://db.example.com:5432

          --allow-address <HOST=RANGE>
              Let a granted host name resolve to non-public addresses: db.internal=10.0.0.0/8

          --ca-file <FILE>
              Trust the certificate authorities in this PEM file too

          --with-server <SCRIPT>
              Start this Python script beside the sync, as a test server of your own: it must print the
              URL it listens on, on loopback, as its first line. That URL is granted, and replaces
              ${server} in configuration values. The script runs outside the sandbox

          --env <NAME[=VALUE]>
              Let the connector see an environment variable: NAME=VALUE, or NAME to pass on your own
              value

          --accept
              Run a component that is not the one this connection accepted at its first sync, or a
              connector that asks for more than it did then, and accept it from now on. Grants nothing

    Audit:
          --audit <FILE>
              Append what was granted, every request and every denial to this file, one JSON object a
              line. The file is made so that only you can read it

          --audit-paths
              Write the paths of requests into the audit log too, but never what follows a `?`

    Secrets:
          --secret <NAME>
              A configuration value is secret, whatever it is called

          --secret-file <NAME=FILE>
              Take a secret configuration value from a file

          --secret-env <NAME[=VARIABLE]>
              Take a secret configuration value from an environment variable, of the same name or
              another

          --hold-secret <NAME=SCHEME://HOST[:PORT]>
              Keep a secret from the connector, which sees a placeholder: the host puts the value into
              header fields of requests to this host, and to no other. A settings file can say more

    Cassettes:
          --record <FILE>
              Write every HTTP exchange into this file (HAR 1.2), without secrets that can be recognised

          --replay <FILE>
              Answer every request from this file (HAR 1.2, of --record, a browser or your own hand).
              There is no network and no grant is needed; clocks and random numbers are the same each
              time

          --clock <TIME>
              Where the clock of a replay stands, such as 2025-01-31T12:00:00Z [default: the first
              entry's time]

    Destination:
          --settings <FILE>
              A TOML file with a [destination] section that says any of what follows, and a [limits]
              section; flags win over it, and it wins over a project's connector.toml. What one of them
              blocks or hashes, the others cannot open again

          --block-table <TABLE>
              Land nothing of a table. Tables are named as the source has them: users, sales.users,
              "odd.name"

          --block-column <TABLE.COLUMN>
              Land nothing of a column: users.password, sales.users.password. Not for primary keys

          --hash-column <TABLE.COLUMN>
              Land a keyed hash instead of a column's values, so that tables can still be joined by them

          --history <TABLE>
              Keep every version of a table's rows

          --hard-delete[=<TABLE>]
              Remove rows that the source deletes, of one table or of all, instead of marking them

          --lock-types <TABLE>
              Keep the types of a table's columns as they are; values are converted

          --on-type-mismatch <fail|widen|null>
              What to do with a value that its column cannot hold [default: fail]

          --on-bad-row <fail|quarantine>
              What to do with a row that cannot land [default: fail]

          --schema-changes <allow-all|allow-columns|block-all>
              What may come new after the first successful sync: all of it, columns of known tables, or
              nothing [default: allow-all]

          --naming <standard|source>
              Names of tables and columns: in lower-case ASCII words, or as the source has them. Fixed
              at the first sync [default: standard]

          --system-columns <sluice|fivetran>
              The prefix of the columns Sluice adds: _sluice_ or _fivetran_. Fixed at the first sync
              [default: sluice]

    Jail:
          --require-jail
              Refuse to run where the system cannot jail the connector's process with everything that
              there is: resource limits, no-new-privileges, Landlock, seccomp

          --no-jail
              Run the connector inside this process, with the sandbox as the only wall: to measure, or
              to look for a fault

    Limits:
          --memory <MIB>
              Memory of the connector, in MiB [default: 256]

          --cpu-time <SECONDS>
              Processor time of the connector, in seconds [default: 300]

          --wall-time <SECONDS>
              Time from start to end, in seconds [default: 900]

          --requests <COUNT>
              HTTP requests [default: 100000]

          --row-data <MIB>
              Bytes of rows sent by the connector, in MiB [default: 20480]

          --workers <COUNT>
              Processes of the connector's pools, which share memory and processor time [default: 4]

          --local-files <MIB>
              Local files of the connector, in MiB; they lie in this machine's memory [default: 64]

          --files <COUNT>
              Files of the connector [default: 100000]

          --file-size <MIB>
              Bytes of one file, in MiB [default: 1024]

          --file-data <MIB>
              Bytes of all files sent by the connector, in MiB [default: 10240]

          --log <KIB>
              Bytes of log messages, in KiB [default: 4096]

          --limit <NAME=VALUE>
              Any limit by its name, such as response_bytes=64MiB or requests_per_second=5; may be
              repeated. The page docs/limits.md lists all of them
    "#);
}

#[test]
fn help_of_state() {
    insta::assert_snapshot!(help(&["state"]), @r"
    Show, set or reset the state of a connection

    Usage: sluice state [OPTIONS] <COMMAND>

    Commands:
      show   Print the state of the last checkpoint, a JSON object
      set    Replace the state
      reset  Set the state back to {}, so that the next sync starts from the beginning; the rows stay
      help   Print this message or the help of the given subcommand(s)

    Options:
      -v, --verbose...  Say more about what the host does, on standard error (-vv for everything)
      -h, --help        Print help
      -V, --version     Print version
    ");
}

#[test]
fn help_of_state_show() {
    insta::assert_snapshot!(help(&["state", "show"]), @r"
    Print the state of the last checkpoint, a JSON object

    Usage: sluice state show [OPTIONS] <CONNECTION>

    Arguments:
      <CONNECTION>  Name of the connection

    Options:
          --warehouse <DIR>  Folder of the databases, one <connection>.db each [default: warehouse]
      -v, --verbose...       Say more about what the host does, on standard error (-vv for everything)
      -h, --help             Print help
      -V, --version          Print version
    ");
}

#[test]
fn help_of_state_set() {
    insta::assert_snapshot!(help(&["state", "set"]), @r"
    Replace the state

    Usage: sluice state set [OPTIONS] <CONNECTION> <FILE>

    Arguments:
      <CONNECTION>  Name of the connection
      <FILE>        A file with a JSON object, or - for standard input

    Options:
          --warehouse <DIR>  Folder of the databases, one <connection>.db each [default: warehouse]
      -v, --verbose...       Say more about what the host does, on standard error (-vv for everything)
      -h, --help             Print help
      -V, --version          Print version
    ");
}

#[test]
fn help_of_state_reset() {
    insta::assert_snapshot!(help(&["state", "reset"]), @r"
    Set the state back to {}, so that the next sync starts from the beginning; the rows stay

    Usage: sluice state reset [OPTIONS] <CONNECTION>

    Arguments:
      <CONNECTION>  Name of the connection

    Options:
          --warehouse <DIR>  Folder of the databases, one <connection>.db each [default: warehouse]
      -v, --verbose...       Say more about what the host does, on standard error (-vv for everything)
      -h, --help             Print help
      -V, --version          Print version
    ");
}

#[test]
fn help_of_resync() {
    insta::assert_snapshot!(help(&["resync"]), @r"
    Read everything again, and then delete what the source no longer has

    This command only notes that a re-sync begins and sets the state to {}; no row changes. The next
    `sluice run` reads everything again. When one ends well, rows that did not arrive again are deleted;
    until then the re-sync is pending and survives failures.

    Usage: sluice resync [OPTIONS] <CONNECTION>

    Arguments:
      <CONNECTION>
              Name of the connection

    Options:
          --warehouse <DIR>
              Folder of the databases, one <connection>.db each

              [default: warehouse]

          --table <TABLE>
              Only this table, named as in the source: users, or schema.users

          --remove-state-key <KEY>
              With --table: remove this top-level key from the state (may be repeated)

          --whole-state
              With --table: set the whole state to {}

          --keep-state
              With --table: keep the state, for a table that the connector always reads as a whole

          --cancel
              Forget the re-syncs that are pending; rows and state stay as they are

          --json
              Print one JSON object instead of text

      -v, --verbose...
              Say more about what the host does, on standard error (-vv for everything)

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn help_of_reset() {
    insta::assert_snapshot!(help(&["reset"]), @r"
    Delete a connection's tables and state

    Usage: sluice reset [OPTIONS] <CONNECTION>

    Arguments:
      <CONNECTION>  Name of the connection

    Options:
          --warehouse <DIR>  Folder of the databases, one <connection>.db each [default: warehouse]
          --yes              Do not ask
      -v, --verbose...       Say more about what the host does, on standard error (-vv for everything)
      -h, --help             Print help
      -V, --version          Print version
    ");
}

#[test]
fn help_of_configure() {
    insta::assert_snapshot!(help(&["configure"]), @r"
    Fill in a connector's form and test what was filled in

    Asks for each field at a terminal; elsewhere values come from --set. The form and its tests run in
    the sandbox, like a sync. Writes a configuration that only you can read.

    Exits with 1 when a test fails.

    Usage: sluice configure [OPTIONS] <SUBJECT>

    Arguments:
      <SUBJECT>
              A component (.wasm) or a project folder

    Options:
          --configuration <FILE>
              The configuration to write [default: <project>/configuration.json]

          --connection <NAME>
              Name of the connection, which names the file of its secrets [default: the connector's
              name]

          --warehouse <DIR>
              Folder of the databases, one <connection>.db each

              [default: warehouse]

          --set <NAME=VALUE>
              Set a field instead of asking for it, unless it is a password; may be repeated

          --set-file <NAME=FILE>
              Set a field to what a file holds, which keeps a secret out of the list of processes

          --settings <FILE>
              A TOML file with sections [secrets] and [oauth], for the form's tests

          --test
              Ask for nothing and run the form's tests

          --json
              Print events and the result as JSON, one object a line, and ask for nothing

      -v, --verbose...
              Say more about what the host does, on standard error (-vv for everything)

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Grants:
          --allow <SCHEME://HOST[:PORT]>
              Grant requests to a host: https://api.example.com, http://127.0.0.1:8080,
              https://*.example.com; or TCP connections, with TLS only or either way:
              tls://db.example.com:5432, tcp://db.example.com:5432

          --allow-address <HOST=RANGE>
              Let a granted host name resolve to non-public addresses: db.internal=10.0.0.0/8

          --ca-file <FILE>
              Trust the certificate authorities in this PEM file too

          --with-server <SCRIPT>
              Start this Python script beside the sync, as a test server of your own: it must print the
              URL it listens on, on loopback, as its first line. That URL is granted, and replaces
              ${server} in configuration values. The script runs outside the sandbox

    Secrets:
          --secret <NAME>
              A configuration value is secret, whatever it is called

          --secret-file <NAME=FILE>
              Take a secret configuration value from a file

          --secret-env <NAME[=VARIABLE]>
              Take a secret configuration value from an environment variable, of the same name or
              another

          --hold-secret <NAME=SCHEME://HOST[:PORT]>
              Keep a secret from the connector, which sees a placeholder: the host puts the value into
              header fields of requests to this host, and to no other. A settings file can say more

    Jail:
          --require-jail
              Refuse to run where the system cannot jail the connector's process with everything that
              there is: resource limits, no-new-privileges, Landlock, seccomp

          --no-jail
              Run the connector inside this process, with the sandbox as the only wall: to measure, or
              to look for a fault

    Audit:
          --audit <FILE>
              Append what was granted, every request and every denial to this file, one JSON object a
              line. The file is made so that only you can read it

          --audit-paths
              Write the paths of requests into the audit log too, but never what follows a `?`

    Limits:
          --memory <MIB>
              Memory of the connector, in MiB [default: 256]

          --cpu-time <SECONDS>
              Processor time of the connector, in seconds [default: 300]

          --wall-time <SECONDS>
              Time from start to end, in seconds [default: 900]

          --requests <COUNT>
              HTTP requests [default: 100000]

          --row-data <MIB>
              Bytes of rows sent by the connector, in MiB [default: 20480]

          --workers <COUNT>
              Processes of the connector's pools, which share memory and processor time [default: 4]

          --local-files <MIB>
              Local files of the connector, in MiB; they lie in this machine's memory [default: 64]

          --files <COUNT>
              Files of the connector [default: 100000]

          --file-size <MIB>
              Bytes of one file, in MiB [default: 1024]

          --file-data <MIB>
              Bytes of all files sent by the connector, in MiB [default: 10240]

          --log <KIB>
              Bytes of log messages, in KiB [default: 4096]

          --limit <NAME=VALUE>
              Any limit by its name, such as response_bytes=64MiB or requests_per_second=5; may be
              repeated. The page docs/limits.md lists all of them
    ");
}

#[test]
fn help_of_tables() {
    insta::assert_snapshot!(help(&["tables"]), @r"
    List a connection's tables: rows, keys, columns and when they were last synced

    Usage: sluice tables [OPTIONS] <CONNECTION>

    Arguments:
      <CONNECTION>  Name of the connection

    Options:
          --warehouse <DIR>  Folder of the databases, one <connection>.db each [default: warehouse]
          --json             Print one JSON array with every column instead of text
      -v, --verbose...       Say more about what the host does, on standard error (-vv for everything)
      -h, --help             Print help
      -V, --version          Print version
    ");
}

#[test]
fn help_of_peek() {
    insta::assert_snapshot!(help(&["peek"]), @r"
    Show the first rows of a table

    Usage: sluice peek [OPTIONS] <CONNECTION> <TABLE>

    Arguments:
      <CONNECTION>  Name of the connection
      <TABLE>       The table, as it is called in the database or in the source

    Options:
          --warehouse <DIR>  Folder of the databases, one <connection>.db each [default: warehouse]
          --rows <ROWS>      Rows to show [default: 10]
          --columns <NAME>   Columns to show, in order [default: all of them]
          --deleted          Show the rows that are marked as deleted instead of the others
          --json             Print one JSON object instead of text; values are texts or null
      -v, --verbose...       Say more about what the host does, on standard error (-vv for everything)
      -h, --help             Print help
      -V, --version          Print version
    ");
}

#[test]
fn help_of_completions() {
    insta::assert_snapshot!(help(&["completions"]), @r"
    Print a completion script for a shell

    Usage: sluice completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>  The shell [possible values: bash, elvish, fish, powershell, zsh]

    Options:
      -v, --verbose...  Say more about what the host does, on standard error (-vv for everything)
      -h, --help        Print help
      -V, --version     Print version
    ");
}
