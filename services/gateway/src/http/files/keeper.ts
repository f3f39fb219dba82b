import type { Keeper } from '@runnel/files';
import { RunnelError } from '@runnel/protocol';
import { FilesNeeded, type FilesAsked } from '@runnel/protocol/http';
import type { AuditClient } from '../../archive/audit-client.ts';
import { readAudit } from '../../archive/audit-ask.ts';

/** Asks the audit service, which knows of conversations and holds. One of an older release cannot tell: so nothing goes until it is replaced. */
export const createKeeper = (audit: AuditClient): Keeper => ({
  async needs(userId, fileIds) {
    const asked: FilesAsked = { user: userId, files: [...fileIds] };
    const { status, body } = await audit.call('/files/needed', { method: 'POST', body: asked });
    if (status !== 200) throw new RunnelError('unavailable', 'Whether files are needed cannot be read just now.');
    const { held, shown } = readAudit(FilesNeeded, body);
    return { held: new Set(held), shown: new Set(shown) };
  },
});
