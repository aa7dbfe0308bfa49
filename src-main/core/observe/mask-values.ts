// Shorter values are words such as "1" or "true": masking those would hide more than it keeps.
const shortestSecret = 6

/** A text without the values that it must not tell, for logs and errors. Servers like to repeat the key they refuse. */
export function maskValues(text: string, values: readonly string[]): string {
  const secrets = values
    .filter((value) => value.length >= shortestSecret)
    .toSorted((a, b) => b.length - a.length)
  return secrets.reduce((masked, secret) => masked.replaceAll(secret, '•••'), text)
}
