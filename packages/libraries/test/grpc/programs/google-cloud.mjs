/** Two clients of Google Cloud over one client. Prints what they receive, and how many connections they use. */

import { SecretManagerServiceClient } from '@google-cloud/secret-manager'
import { CloudTasksClient } from '@google-cloud/tasks'
import { googleAuthLibrary } from 'google-gax'
import { createClient } from 'unshard'
import { channelFactory } from 'unshard/grpc'
import { start } from './google-server.mjs'

const { CA, CERT, KEY } = process.env
const server = await start({ cert: CERT, key: KEY })
const client = createClient({ tls: { ca: CA }, lookup: (_host, _options, done) => done(null, '127.0.0.1', 4) })
const factory = channelFactory(client, { tls: 'client' })
const authClient = new googleAuthLibrary.OAuth2Client()
authClient.setCredentials({ access_token: 'token', expiry_date: Date.now() + 3_600_000 })
const options = { port: server.port, projectId: 'p', authClient, 'grpc.channelFactoryOverride': factory }
const secrets = new SecretManagerServiceClient({ ...options, apiEndpoint: 'secretmanager.test.example' })
const tasks = new CloudTasksClient({ ...options, apiEndpoint: 'cloudtasks.test.example' })

const name = 'projects/p/secrets/s/versions/1'
const [version] = await secrets.accessSecretVersion({ name })
const missing = await secrets.accessSecretVersion({ name: 'projects/p/secrets/missing/versions/1' }).catch((error) => error)
const [all] = await secrets.listSecrets({ parent: 'projects/p' })
const iterated = []
for await (const secret of secrets.listSecretsAsync({ parent: 'projects/p' })) iterated.push(secret.name)
const task = { httpRequest: { url: 'https://a.test.example/' } }
const created = await Promise.all(
  Array.from({ length: 20 }, () => tasks.createTask({ parent: 'projects/p/locations/l/queues/q', task })),
)

console.log(
  JSON.stringify({
    secret: [version.name, String(version.payload.data)],
    missing: [missing.code, missing.details],
    listed: all.map((each) => each.name),
    iterated,
    created: [...new Set(created.map(([each]) => each.name))],
    authorizations: [...server.authorizations],
    connections: server.connections,
  }),
)
await Promise.all([secrets.close(), tasks.close()])
await client.close()
server.stop()
