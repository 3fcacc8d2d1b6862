/**
 * Runs `work` while no other tab of this browser runs work of the same name.
 * Web Locks exist in secure contexts only; elsewhere (plain HTTP from another machine) the work simply runs, and
 * what it does must be safe to do twice.
 */
export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  // The types say it is always there; browsers know better.
  const locks = navigator.locks as LockManager | null | undefined
  if (!locks) return work()
  return await locks.request(`tertulia.${name}`, () => work())
}
