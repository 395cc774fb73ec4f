// Once, by an owner of the resource group: registry, secrets, identities, and what each of them may do.
@secure()
param apiKeys string
@secure()
param apiKey string
{%- if ci == 'github' %}
@description('The repository as GitHub names it in its tokens: OWNER/NAME or OWNER@ID/NAME@ID')
param repository string
{%- endif %}
param location string = resourceGroup().location

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  name: 'acr${uniqueString(resourceGroup().id)}'
  location: location
  sku: { name: 'Basic' }
  properties: { adminUserEnabled: false }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-${uniqueString(resourceGroup().id)}'
  location: location
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
  }
}

resource digests 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: '{{ project_slug }}-api-keys'
  properties: { value: apiKeys }
}

resource key 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: '{{ project_slug }}-api-key'
  properties: { value: apiKey }
}

// What the containers run as: made first, so that it may pull before the first of them starts.
resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '{{ project_slug }}-app'
  location: location
}

var roles = {
  contributor: 'b24988ac-6180-42a0-ab88-20f7382dd24c'
  pull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
  push: '8311e382-0749-4cb8-b61a-304f252e45ec'
  readSecrets: '4633458b-17de-408a-b874-0445c86b69e6'
}

resource mayPull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, app.id, roles.pull)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.pull)
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource mayReadSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, app.id, roles.readSecrets)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.readSecrets)
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
  }
}
{%- if ci == 'github' %}

// What the workflow becomes: only this repository's, and only in its environment {{ target }}.
resource deployer 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '{{ project_slug }}-deploy'
  location: location
}

resource github 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {
  parent: deployer
  name: '{{ target }}'
  properties: {
    issuer: 'https://token.actions.githubusercontent.com'
    subject: 'repo:${repository}:environment:{{ target }}'
    audiences: ['api://AzureADTokenExchange']
  }
}

resource mayDeploy 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, deployer.id, roles.contributor)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.contributor)
    principalId: deployer.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource mayPush 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, deployer.id, roles.push)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.push)
    principalId: deployer.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

output AZURE_CLIENT_ID string = deployer.properties.clientId
output AZURE_TENANT_ID string = subscription().tenantId
output AZURE_SUBSCRIPTION_ID string = subscription().subscriptionId
{%- endif %}
output REGISTRY string = registry.properties.loginServer
