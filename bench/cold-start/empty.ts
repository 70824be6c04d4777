/** What every other case is measured over. */
export const handler = async (): Promise<string> => 'done';
