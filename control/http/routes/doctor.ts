import type { ControlContext } from '#control/http/context';
import { doctorReport } from '#control/http/doctor/report';
import type { Handlers } from '#control/http/route';

export function doctorHandlers(context: ControlContext): Pick<Handlers, 'getDoctor'> {
  return {
    async getDoctor() {
      return { success: true, data: await doctorReport(context) };
    },
  };
}
