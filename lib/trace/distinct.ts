/**
 * Counts different numbers, however often and in whatever order each comes, in the space of `most`: exactly up to there, beyond by those
 * whose lowest bits are zero (adaptive sampling, Wegman; see Flajolet, "On adaptive sampling", 1990). The numbers must be hashes.
 */
export const distinctCounter = (most: number) => {
  const seen = new Set<number>();
  let scale = 1;
  return {
    add(hash: number): void {
      if (hash % scale !== 0) return;
      seen.add(hash);
      while (seen.size > most) {
        scale *= 2;
        for (const each of seen) if (each % scale !== 0) seen.delete(each);
      }
    },
    count: (): number => seen.size * scale,
  };
};
