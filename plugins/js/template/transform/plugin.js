// The words of a line.

import { Reject, flatMap } from 'tidemill-plugin';

export const splitWords = flatMap({
  reads: { line: 'utf8' },
  produces: { word: 'utf8' },
  *each({ line }) {
    for (const word of line.split(/\s+/).filter(Boolean)) {
      if (word.length > 64) throw new Reject(`a word has ${word.length} characters, at most 64 are allowed`);
      yield { word: word.toLowerCase() };
    }
  },
});
