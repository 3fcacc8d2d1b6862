import { textsOf } from '../texts'

export default textsOf(import.meta.glob('./*.json', { import: 'default', eager: true }))
