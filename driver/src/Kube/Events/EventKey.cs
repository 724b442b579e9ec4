using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Events;

/// <summary>What makes two events alike. The message is no part of it: it carries figures that differ each time.</summary>
internal sealed record EventKey(string Kind, string Namespace, string Name, string Uid, string Reason, string Type)
{
    /// <summary>The key of an event.</summary>
    public static EventKey Of(KubeEvent value)
    {
        var about = value.InvolvedObject;
        return new EventKey(about.Kind ?? "", about.Namespace ?? "", about.Name ?? "", about.Uid ?? "", value.Reason, value.Type);
    }
}
