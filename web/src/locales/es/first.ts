/** What the first screen says: see ../languages.ts. */
import { textsOf } from '../texts'

export default textsOf(
  import.meta.glob(
    ['./*.json', '!./{administration,auditLog,auth,history,join,keys,profile,reporting,settings,theme,welcome}.json'],
    { import: 'default', eager: true },
  ),
)
