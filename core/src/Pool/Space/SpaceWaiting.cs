namespace CsiThin.Core.Pool.Space;

/// <summary>What lack of space does to the requests of a volume.</summary>
/// <param name="WaitingRequests">That wait now.</param>
/// <param name="Waited">How long requests have waited, of all that wait no longer.</param>
/// <param name="Failures">Requests that failed for lack of space.</param>
public readonly record struct SpaceWaiting(int WaitingRequests, TimeSpan Waited, long Failures);
