using System.Text.Json.Nodes;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>
/// One change as the store remembers it; <see cref="Before"/> or <see cref="After"/> is null where there was or is nothing.
/// </summary>
internal sealed record ApiHistory(long Revision, ApiKey Key, JsonObject? Before, JsonObject? After);
