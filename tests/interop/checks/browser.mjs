// Enough of a browser to sign in: it keeps cookies, follows redirects, and posts forms.

/**
 * Goes from `start` to wherever it leads, posting one of `forms` to each page on the way that is no redirect, and returns the
 * first answer below `home` that is none. Cookies go to every port of a host, as in a browser.
 */
export async function browse(start, home, forms) {
  const cookies = new Map();
  const left = [...forms];
  let [url, form] = [start, undefined];
  for (let step = 0; step < 20; step += 1) {
    const response = await fetch(url, {
      redirect: 'manual',
      method: form ? 'POST' : 'GET',
      body: form && new URLSearchParams(form),
      headers: { accept: 'application/json, text/html;q=0.1', cookie: [...cookies].map((pair) => pair.join('=')).join('; ') },
      signal: AbortSignal.timeout(10_000),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    form = undefined;
    if (location) {
      url = new URL(location, url).href;
    } else if (url.startsWith(home)) {
      return response;
    } else {
      if (!response.ok) throw new Error(`${url}: ${response.status} ${(await response.text()).slice(0, 300)}`);
      form = left.shift();
      if (!form) throw new Error(`${url} asks for more than was expected`);
      // A form's own action, where it has one, is where it goes.
      const action = /<form[^>]*action="([^"]*)"/.exec(await response.text())?.[1];
      if (action) url = new URL(action.replaceAll('&amp;', '&'), url).href;
    }
  }
  throw new Error(`${start} leads nowhere`);
}
