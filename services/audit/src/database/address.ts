interface Named {
  path: string;
}
export interface DatabaseSettings {
  databaseUrl: string;
  databaseCaFile: Named | undefined;
  databaseCertFile: Named | undefined;
  databaseKeyFile: Named | undefined;
}

/** libpq's words, which the driver knows; it reads the files for each connection, so certificates may change. Pure. */
export const databaseAddress = ({ databaseUrl, databaseCaFile, databaseCertFile, databaseKeyFile }: DatabaseSettings): string => {
  const files = { sslrootcert: databaseCaFile, sslcert: databaseCertFile, sslkey: databaseKeyFile };
  const told = Object.fromEntries(Object.entries(files).flatMap(([name, file]) => (file ? [[name, file.path]] : []))) as Record<
    string,
    string
  >;
  if (Object.keys(told).length === 0 || databaseUrl.startsWith('sqlite:')) return databaseUrl;
  const proved = databaseUrl.includes('sslmode=') ? {} : { sslmode: 'verify-full' };
  return `${databaseUrl}${databaseUrl.includes('?') ? '&' : '?'}${new URLSearchParams({ ...proved, ...told }).toString()}`;
};
