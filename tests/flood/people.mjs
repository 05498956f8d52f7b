// People of the world that the flood is tried in: `p7.people.test` has the DID that spells 7.
const DIGITS = "abcdefghijklmnopqrstuvwxyz234567";

export const didOf = (person) => {
  let id = "";
  for (let rest = person, place = 0; place < 22; place++, rest = Math.floor(rest / 32)) id = DIGITS[rest % 32] + id;
  return `did:plc:zz${id}`;
};

/** The person of a DID; `undefined`: nobody. */
export const personOf = (did) => {
  if (!did.startsWith("did:plc:zz")) return undefined;
  return [...did.slice(10)].reduce((sum, digit) => sum * 32 + DIGITS.indexOf(digit), 0);
};
