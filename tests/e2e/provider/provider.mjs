// A real OpenID provider on loopback, for tests/e2e/test_oidc.py: node provider.mjs PORT HOME SECRET
//
// Its people have no passwords, only names; what each belongs to stands in PEOPLE. It says "ready" once it listens and
// ends when its standard input does, so that none outlives the test.

import { generateKeyPairSync, randomBytes } from 'node:crypto';

// what oidc-provider takes from node 22; the rest it needs is in 20.12
URL.parse ??= (text, base) => {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
};

const { Provider } = await import('oidc-provider');

const PEOPLE = {
  ann: ['mail-desk', 'everybody'],
  vic: ['watchers'],
  eve: ['canteen'],
};

const [port, home, secret] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const page = (title, body) =>
  `<!doctype html><title>${title}</title><link rel="icon" href="data:,"><h1>${title}</h1>${body}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'macrogate',
      client_secret: secret,
      redirect_uris: [`${home}/sign-in/oidc/callback`],
      post_logout_redirect_uris: [`${home}/sign-in`],
    },
  ],
  jwks: { keys: [{ ...key, kid: 'test', use: 'sig', alg: 'RS256' }] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      logoutSource: (ctx, form) => {
        ctx.body = page('Leave?', `${form}<button form="op.logoutForm" name="logout" value="yes">Leave</button>`);
      },
    },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, name) => ({
    accountId: name,
    claims: () => ({ sub: name, preferred_username: `${name} of the provider`, groups: PEOPLE[name] }),
  }),
  // nobody is asked what the client may know
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ accountId: ctx.oidc.session.accountId, clientId: 'macrogate' });
    grant.addOIDCScope('openid profile groups');
    await grant.save();
    return grant;
  },
});

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) {
    await next();
    return;
  }
  const { prompt } = await provider.interactionDetails(ctx.req, ctx.res);
  const name = ctx.query.name;
  if (name in PEOPLE) {
    await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: name } });
    ctx.respond = false;
    return;
  }
  if (ctx.query.refuse !== undefined) {
    await provider.interactionFinished(ctx.req, ctx.res, { error: 'access_denied' });
    ctx.respond = false;
    return;
  }
  ctx.type = 'html';
  ctx.body = page(
    'Who are you?',
    `<p>${prompt.name}</p><form><label>Name <input name="name"></label><button>It is me</button></form>` +
      '<form><button name="refuse">Nobody</button></form>',
  );
});

provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.stdin.on('end', () => process.exit(0)).resume();
