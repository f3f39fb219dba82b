export { startNginx, type NginxMode } from '@runnel/e2e';
