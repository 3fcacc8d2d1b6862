/** `00:00`, `00:30` …, with the time that is chosen wherever another program put it. Pure. */
export function halfHours(chosen: string): string[] {
  const all = Array.from({ length: 48 }, (_, n) => `${String(n >> 1).padStart(2, '0')}:${n % 2 === 0 ? '00' : '30'}`)
  return all.includes(chosen) ? all : [...all, chosen].sort()
}
