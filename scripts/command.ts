/** One subcommand of the `tidemark` command line. A member lives in scripts/commands/<name>.ts and exports `command`. */
export interface Command {
  /** One line for the overview. */
  readonly summary: string;
  /** The whole `--help` text, without a trailing newline. */
  readonly help: string;
  /** Answers the exit code. A thrown Failure with code `bad-input`, `too-large`, `not-found` or `misconfigured` becomes one line on stderr and exit 2. */
  readonly run: (args: readonly string[], io: CommandIo) => Promise<number>;
}

export interface CommandIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
}
