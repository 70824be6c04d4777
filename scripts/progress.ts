/** A progress display: one line that redraws itself on a terminal, plain lines elsewhere. */
export interface Progress {
  /** Begins a step; the former one is done. */
  readonly step: (text: string) => void;
  /** What is going on inside the step; on no terminal it is printed at most every five seconds. */
  readonly detail: (text: string) => void;
  /** A line that stays. */
  readonly say: (text: string) => void;
  readonly done: () => void;
}

export const progress = (options: {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly clock: () => number;
}): Progress => {
  const { write, isTerminal, clock } = options;
  const began = clock();
  let current = '';
  let stepBegan = began;
  let lastDetail = Number.NEGATIVE_INFINITY;
  const seconds = (since: number) => `${((clock() - since) / 1000).toFixed(1)} s`;
  const stamp = () => `[${((clock() - began) / 1000).toFixed(0).padStart(3)} s]`;
  const clear = () => (isTerminal ? '\r\u001b[2K' : '');
  const finish = () => {
    if (current !== '') write(`${clear()}${stamp()} ✓ ${current} (${seconds(stepBegan)})\n`);
    current = '';
  };
  return {
    step(text) {
      finish();
      current = text;
      stepBegan = clock();
      lastDetail = Number.NEGATIVE_INFINITY;
      write(isTerminal ? `${clear()}${stamp()} … ${text}` : `${stamp()} … ${text}\n`);
    },
    detail(text) {
      if (isTerminal) write(`${clear()}${stamp()} … ${current}: ${text}`);
      else if (clock() - lastDetail >= 5000) {
        lastDetail = clock();
        write(`${stamp()}     ${text}\n`);
      }
    },
    say(text) {
      write(`${clear()}${stamp()}   ${text}\n`);
      if (isTerminal && current !== '') write(`${stamp()} … ${current}`);
    },
    done: finish,
  };
};
