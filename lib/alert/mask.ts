/** Query parameters and path parts that are secrets in the URLs of robots. */
const secretParameters = ['key', 'access_token', 'sign', 'sig', 'token', 'api_key'];

/** A URL that may be shown: secrets in its query, after `hook/` or `services/`, and any user are replaced by `***`. Never throws. */
export const maskUrl = (text: string): string => {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return '***';
  }
  url.username = '';
  url.password = '';
  for (const name of [...url.searchParams.keys()])
    if (secretParameters.includes(name.toLowerCase())) url.searchParams.set(name, '***');
  url.pathname = url.pathname.replace(/\/(hook|services|workflows)\/.+$/, '/$1/***');
  return url.href;
};
