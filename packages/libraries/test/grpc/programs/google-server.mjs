/** Secret Manager and Cloud Tasks, as far as the tests call them: one server for both, with the messages of the real clients. */

import { protos } from '@google-cloud/secret-manager'
import { protos as taskProtos } from '@google-cloud/tasks'
import * as grpc from '@grpc/grpc-js'

const secretManager = protos.google.cloud.secretmanager.v1
const cloudTasks = taskProtos.google.cloud.tasks.v2
const SECRETS = '/google.cloud.secretmanager.v1.SecretManagerService'

function method(path, request, response) {
  return {
    ...{ path, requestStream: false, responseStream: false },
    ...{ requestSerialize: (bytes) => bytes, responseDeserialize: (bytes) => bytes },
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => Buffer.from(response.encode(message).finish()),
  }
}

/** Starts the server on a port that the system chooses. */
export async function start({ cert, key }) {
  const server = new grpc.Server()
  const authorizations = new Set()
  const handler = (answer) => (call, done) => {
    authorizations.add(call.metadata.get('authorization')[0])
    const result = answer(call.request)
    if (result instanceof Error) done(Object.assign(result, { code: grpc.status.NOT_FOUND }))
    else done(null, result)
  }
  const { AccessSecretVersionRequest, AccessSecretVersionResponse, ListSecretsRequest, ListSecretsResponse } = secretManager
  server.addService(
    {
      access: method(`${SECRETS}/AccessSecretVersion`, AccessSecretVersionRequest, AccessSecretVersionResponse),
      list: method(`${SECRETS}/ListSecrets`, ListSecretsRequest, ListSecretsResponse),
    },
    {
      access: handler(({ name }) =>
        name.includes('/missing/') ? new Error(`${name} not found`) : { name, payload: { data: Buffer.from('hidden') } },
      ),
      // Three pages of two.
      list: handler(({ parent, pageToken }) => {
        const page = Number(pageToken || 0)
        const secrets = [2 * page, 2 * page + 1].map((i) => ({ name: `${parent}/secrets/${i}` }))
        return { secrets, nextPageToken: page < 2 ? String(page + 1) : '' }
      }),
    },
  )
  server.addService(
    { create: method('/google.cloud.tasks.v2.CloudTasks/CreateTask', cloudTasks.CreateTaskRequest, cloudTasks.Task) },
    { create: handler(({ parent }) => ({ name: `${parent}/tasks/1` })) },
  )
  const credentials = grpc.ServerCredentials.createSsl(null, [{ private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }])
  const port = await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error))),
  )
  let connections = 0
  for (const http2 of server.http2Servers.keys()) http2.on('session', () => connections++)
  return {
    port,
    authorizations,
    get connections() {
      return connections
    },
    stop: () => server.forceShutdown(),
  }
}
