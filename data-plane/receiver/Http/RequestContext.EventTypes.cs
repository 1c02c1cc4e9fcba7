using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Microsoft.AspNetCore.Http.Features;

namespace Brokkr.Receiver.Http;

/// <content>The types of stored events, for resources that ask for it (receiver-and-core §12). Requests for others never come here.</content>
internal sealed partial class RequestContext
{
    /// <summary>Whose events' types are to be made known; null if nobody's are.</summary>
    private Reference? WhoWantsTypes => application.EventTypes is null ? null : _ingress!.Definition.EventTypeOwner;

    /// <summary>Sends the answer before what comes after it, which is none of the sender's business.</summary>
    private Task AnswerNowAsync() => _features.GetRequiredFeature<IHttpResponseBodyFeature>().CompleteAsync();

    private void MakeTypeKnown(Reference owner, EventBuffer stored)
    {
        try
        {
            application.EventTypes!.Seen(owner, stored);
        }
        catch (Exception e)
        {
            // A registry does not throw; one that does has no say in what becomes of the event.
            if (_ingress!.Log.MayReport(application.Deadlines.Now))
            {
                application.Logger.EventTypeNotTold(owner.Namespace, owner.Name, e);
            }
        }
    }
}
