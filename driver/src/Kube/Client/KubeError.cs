namespace CsiThin.Driver.Kube.Client;

/// <summary>Why a request to the API server failed, to act on.</summary>
internal enum KubeError
{
    /// <summary>The server cannot be reached, or the connection broke.</summary>
    Unreachable,

    /// <summary>The server did not answer in time.</summary>
    Timeout,

    /// <summary>The server's certificate is not the one to be trusted, or it refused ours.</summary>
    Untrusted,

    /// <summary>It does not know who asks (401): a token that has expired.</summary>
    Unauthorized,

    /// <summary>Who asks may not do that (403): a rule is missing.</summary>
    Forbidden,

    /// <summary>No such object, or no such resource (404).</summary>
    NotFound,

    /// <summary>An object of that name exists (409).</summary>
    AlreadyExists,

    /// <summary>The object is not what the request took it for, or a field belongs to somebody else (409).</summary>
    Conflict,

    /// <summary>The version or the page asked for is gone (410): list anew.</summary>
    Expired,

    /// <summary>The object or the request makes no sense to the server (400, 422).</summary>
    Invalid,

    /// <summary>The server asks to be left alone for a while (429).</summary>
    TooManyRequests,

    /// <summary>The server failed (5xx), a full etcd among the reasons.</summary>
    ServerFailed,

    /// <summary>What it answered is not what the API says.</summary>
    Malformed,
}
