namespace Brokkr.Kubernetes.Api;

/// <summary>Why a request to the API server came to nothing.</summary>
/// <param name="Status">The status that it answered with; 0 if there was no answer.</param>
/// <param name="Text">A sentence without a full stop. Shows no secret.</param>
internal sealed record ApiProblem(int Status, string Text)
{
    /// <summary>What was asked for does not exist.</summary>
    public const int NotFound = 404;

    /// <summary>This process may not do it.</summary>
    public const int Forbidden = 403;

    /// <summary>The resource version of a watch is too old.</summary>
    public const int Gone = 410;
}

/// <summary>What came of a request: one of the two.</summary>
/// <param name="Value">The answer.</param>
/// <param name="Problem">Why there is none.</param>
internal readonly record struct ApiResult<T>(T? Value, ApiProblem? Problem)
    where T : class;
