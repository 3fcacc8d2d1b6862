/** Names in the audit log: deeds, people, channels, and values of what changed. */
import { useI18n } from 'vue-i18n'

import type { AuditEntry } from '@/api/administration'
import { useEntities } from '@/entities/store'
import { dayAndClock } from '@/ui/time'

const MOMENT = /^\d{4}-\d{2}-\d{2}T/
/** Where the words for the values of a field are. */
const VALUES: Readonly<Record<string, (value: string) => string>> = {
  history_policy: (value) => `administration.history.${value}`,
  kind: (value) => `channels.${value}`,
  outcome: (value) => `administration.outcome.${value}`,
  posting: (value) => `administration.channel.${value}`,
}
const role = (value: string): string => `administration.role.${value}`
/** In the log in place of a name (services/chat/.../channels/auditing.py). */
const HIDDEN = '(not public)'

export function useAuditText() {
  const { t, te } = useI18n()
  const entities = useEntities()
  const known = (key: string, otherwise: string) => (te(key) ? t(key) : otherwise)

  const person = (id: string) => entities.users.get(id)?.display_name ?? t('people.unknown')
  const channel = (id: string) => {
    const name = entities.channels.get(id)?.channel.name
    return name ? `#${name}` : t('administration.someChannel')
  }
  return {
    person,
    channel,
    action: (action: string) => known(`auditLog.action.${action}`, action),
    field: (field: string) =>
      known(`auditLog.field.${field}`, known(`administration.permission.${field}`, field.replaceAll('_', ' '))),
    value(field: string, value: string | null): string {
      if (value === null) return ''
      if (MOMENT.test(value)) return dayAndClock(Date.parse(value))
      if (value === 'true' || value === 'false') return t(`auditLog.${value}`)
      if (field === 'name') return value === HIDDEN ? t('auditLog.hidden') : value
      return known((VALUES[field] ?? role)(value), value)
    },
    target({ target_type: type, target_id: id }: AuditEntry): string | null {
      if (type === 'user') return person(id)
      if (type === 'channel') return channel(id)
      return null
    },
  }
}
