// The section of the site that a request is about: the first part of its path.

import { map } from 'tidemill-plugin';

export const sections = map({
  reads: { path: 'utf8' },
  produces: { section: 'utf8' },
  carry: true,
  each({ path }) {
    const [, first] = path.split(/[?#]/)[0].split('/');
    return { section: first || 'home' };
  },
});
